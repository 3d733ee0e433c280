"""Domains that no list may cover: the tables behind `filters.guard`. Data alone, and nothing that decides.

Public facts: the publishers' own sites. Extend them freely; a name too many here costs one refused entry, a name
too few may cost a Canadian authority its mail.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROVIDERS = _names("""
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com rocketmail.com icloud.com
    me.com mac.com aol.com proton.me protonmail.com protonmail.ch pm.me tutanota.com tuta.com zoho.com mail.com
    gmx.com gmx.net fastmail.com hushmail.com yandex.com yandex.ru mail.ru bell.net sympatico.ca rogers.com shaw.ca
    telus.net videotron.ca cogeco.ca eastlink.ca sasktel.net
    163.com 126.com yeah.net 188.com qq.com foxmail.com sina.com sina.cn sohu.com tom.com 21cn.com 139.com 189.cn
    wo.cn aliyun.com naver.com daum.net hanmail.net
""")
"""Anybody can have an address at one of these, or below."""

PROVIDER_NAMES = _names("yahoo hotmail outlook live gmx yandex")
"""Providers with a domain in every country: yahoo.ca, hotmail.fr, live.cn ..."""

_CHINESE_PROVINCES = _names("""
    bj sh tj cq he sx nm ln jl hl js zj ah fj jx sd ha hb hn gd gx hi sc gz yn xz sn gs qh nx xj
    beijing shanghai tianjin chongqing hebei shanxi liaoning jilin jiangsu zhejiang anhui fujian jiangxi shandong
    henan hubei hunan guangdong guangxi hainan sichuan guizhou yunnan xizang shaanxi gansu qinghai ningxia xinjiang
""")
SHARED_SUFFIXES = _names("""
    gov.cn org.cn edu.cn com.cn net.cn ac.cn mil.cn gov.hk gov.mo gov.tw gov.uk gov.au govt.nz go.jp go.kr
    gov.in gov.pk gov.ph gov.vn gov.ir gov.sa gov.tr gob.mx gouv.fr gov.ru bund.de admin.ch
    onmicrosoft.com sharepoint.com github.io blogspot.com
""") | {f"{province}.gov.cn" for province in _CHINESE_PROVINCES}
"""What the public suffix list lacks, or lacked in some version: names under which unrelated bodies share a domain."""

GOVERNMENT_LABELS = _names("gov govt gob gouv go gub gv mil guv")
"""Labels of suffixes that only a government hands out."""

GENERIC_FIRST_LABELS = _names("""
    www mail email webmail smtp mx mx1 mx2 imap pop ns ns1 ns2 ftp app api web m news info service oa vpn
""")
"""Labels that are under every suffix: as the first label of an entry they would catch everybody."""

_GOVERNMENTS = _names("""
    gc.ca canada.ca forces.ca parl.ca bankofcanada.ca rcmp.ca grc.ca
    alberta.ca gov.ab.ca  gov.bc.ca  manitoba.ca gov.mb.ca  gnb.ca  gov.nl.ca  novascotia.ca gov.ns.ca
    gov.nt.ca  gov.nu.ca  ontario.ca gov.on.ca ola.org  gov.pe.ca princeedwardisland.ca
    gouv.qc.ca quebec.ca assnat.qc.ca  saskatchewan.ca gov.sk.ca  yukon.ca gov.yk.ca
""")
_POLICE_IN_THE_WEST = _names("""
    vpd.ca vicpd.ca saanichpolice.ca deltapolice.ca nwpolice.org wvpd.ca portmoodypolice.ca abbypd.ca
    surreypolice.ca transitpolice.ca nelsonpolice.ca oakbaypolice.org cfseu.bc.ca
    calgarypolice.ca edmontonpolice.ca lethbridgepolice.ca mhps.ca camrosepoliceservice.ca
    reginapolice.ca saskatoonpolice.ca winnipeg.ca
""")
_POLICE_IN_ONTARIO = _names("""
    opp.ca torontopolice.on.ca tps.ca peelpolice.ca peelpolice.on.ca yrp.ca drps.ca haltonpolice.ca
    hamiltonpolice.on.ca niagarapolice.ca wrps.ca wrps.on.ca ottawapolice.ca londonpolice.ca windsorpolice.ca
    kingstonpolice.ca gsps.ca barriepolice.ca guelphpolice.ca thunderbaypolice.ca brantfordpolice.ca
    chatham-kentpolice.ca peterboroughpolice.com saultpolice.ca cornwallpolice.ca
""")
_POLICE_IN_THE_EAST = _names("""
    suretequebec.gouv.qc.ca sq.ca spvm.qc.ca montreal.ca laval.ca
    halifax.ca frederictonpolice.ca saintjohn.ca rnc.gov.nl.ca cbrps.ca
""")
_POLICE_ASSOCIATIONS = _names("cacp.ca cpkn.ca")
CANADIAN_AUTHORITIES = (
    _GOVERNMENTS | _POLICE_IN_THE_WEST | _POLICE_IN_ONTARIO | _POLICE_IN_THE_EAST | _POLICE_ASSOCIATIONS
)
"""Canadian governments, and police services (cities where the two share a domain); everything below as well."""
