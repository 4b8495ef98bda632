# syntax=docker/dockerfile:1
# make image builds it; deploy/image/install is what it installs, and make image-test tries that without an engine.
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
# One that was built without a profile needs a third more CPU for each request.
RUN python -c "import sys, sysconfig; sys.exit('--enable-optimizations' not in sysconfig.get_config_var('CONFIG_ARGS'))"
WORKDIR /src
COPY requirements requirements
COPY deploy/image deploy/image
RUN deploy/image/install dependencies /opt/payguard
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY plugins plugins
RUN deploy/image/install payguard /opt/payguard

FROM build AS build-example
RUN deploy/image/install example /opt/payguard

FROM python:${PYTHON} AS runtime
# Nothing that installs or builds stays, and the one folder that is written to is the gateway's.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
    && rm -rf /usr/local/lib/python3.*/ensurepip \
    && install -d -o 65532 -g 65532 -m 0700 /var/lib/payguard
ENV PATH=/opt/payguard/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532

FROM runtime AS example
COPY --from=build-example /opt/payguard /opt/payguard
COPY examples /opt/example/examples
ENV PYTHONPATH=/opt/example
ENTRYPOINT ["python", "-m", "examples.backend"]

FROM runtime AS gateway
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Payguard" \
      org.opencontainers.image.description="A sidecar gateway for payment backends" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/payguard /opt/payguard
ENV PAYGUARD_DATA_DIR=/var/lib/payguard
EXPOSE 8080 9901
ENTRYPOINT ["payguard"]
CMD ["serve", "--policy", "/etc/payguard/policy/policy.yaml"]
