# A program compiled on the host, on the local base image, as an unprivileged user. The official
# counterpart is compose/Dockerfile.
ARG BASE
FROM ${BASE}
ARG PROGRAM
COPY ${PROGRAM} /program
USER 65532:65532
ENTRYPOINT ["/program"]
