# One image for every role: `docker run ... serve --role smtp`. docs/installation.md says what is mounted where, and how
# to build it on another base, which needs python3 (3.11 or newer) with its venv module, and ca-certificates.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Two secrets, for networks that need them: `pip`, a pip.conf; `authorities`, certificates to trust, all in one file.
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/liaison
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=authorities,target=/run/authorities.pem \
    if [ -s /run/authorities.pem ]; then export PIP_CERT=/run/authorities.pem; fi \
    && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes -r requirements.lock -w /wheels
COPY . .
RUN /build/bin/python3 -m hatchling build -t wheel -d /wheels \
    && /build/bin/pip --python /opt/liaison/bin/python3 install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM ${BASE}
# By number, so that an orchestrator sees that it is not root; the same number owns the volumes.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/liaison --shell /usr/sbin/nologin liaison \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/liaison
COPY --from=build /opt/liaison /opt/liaison
ENV PATH=/opt/liaison/bin:$PATH LIAISON_CONFIG=/etc/liaison/gateway.toml PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/liaison
VOLUME /var/lib/liaison
EXPOSE 2525
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["liaison", "health"]
ENTRYPOINT ["liaison"]
CMD ["serve"]
