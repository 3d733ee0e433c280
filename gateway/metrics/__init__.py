"""What monitoring asks over HTTP: /metrics, /healthz, /readyz. Only whoever listens imports it: the library costs."""
