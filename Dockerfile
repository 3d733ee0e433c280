# One image for every role: `docker run ... serve --role smtp`. Mount the configuration at /etc/liaison/gateway.toml
# and, with the embedded database, a volume at /var/lib/liaison ([store] url = "sqlite:////var/lib/liaison/liaison.db").
ARG BASE=python:3.13-slim

FROM ${BASE} AS wheel
WORKDIR /src
COPY requirements-dev.lock ./
RUN python -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY . .
RUN /build/bin/python -m hatchling build -t wheel

FROM ${BASE} AS installed
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/liaison && /opt/liaison/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock
COPY --from=wheel /src/dist/*.whl /tmp/
RUN /opt/liaison/bin/pip install --no-cache-dir --no-deps --no-index /tmp/*.whl

FROM ${BASE}
RUN useradd --system --home-dir /var/lib/liaison --create-home --shell /usr/sbin/nologin liaison
COPY --from=installed /opt/liaison /opt/liaison
ENV PATH=/opt/liaison/bin:$PATH PYTHONUNBUFFERED=1
USER liaison
WORKDIR /var/lib/liaison
VOLUME /var/lib/liaison
EXPOSE 2525
ENTRYPOINT ["liaison"]
CMD ["serve"]
