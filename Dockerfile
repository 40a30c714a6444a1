# odqa for the CPU, with its models: small, without rights, content with a root file system that is read-only.
# docs/howto/container.md says how to build and run it.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/odqa
WORKDIR /src
# The libraries first, by their pinned versions: a change of the code does not install them again.
COPY requirements.lock ./
RUN /opt/odqa/bin/pip install --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY pyproject.toml README.md LICENSE ./
COPY odqa odqa
ARG EXTRAS=cpu,serve
RUN /opt/odqa/bin/pip install --constraint requirements.lock ".[${EXTRAS}]" \
    && /opt/odqa/bin/python -m compileall -q /opt/odqa/lib


FROM python:3.11-slim-bookworm

# FAISS and torch compute with OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1=12.2.0-* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent odqa
COPY --from=build /opt/odqa /opt/odqa

# Nothing is downloaded and nothing is written outside of what is mounted; a cache would be gone with the container.
ENV PATH=/opt/odqa/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
WORKDIR /data
EXPOSE 8265
STOPSIGNAL SIGTERM
ENTRYPOINT ["odqa"]
CMD ["--help"]
