# The image of all of Sluice's programs.
#
#   docker build -t REGISTRY/sluice:0.1.0 .
#
# It holds node, its libraries, a static busybox (the sidecar installs it into EMQX's container) and one file for each
# program: no package manager and no shell that anything but the sidecar's script would start.
ARG NODE_IMAGE=node:24-slim
ARG BUSYBOX_IMAGE=busybox:1.37.0-musl

FROM ${BUSYBOX_IMAGE} AS busybox

# The part of the base image that runs, which is a third of it.
FROM ${NODE_IMAGE} AS runtime
RUN set -eu; \
    node=$(readlink -f "$(command -v node)"); \
    mkdir -p /out/usr/local/bin /out/etc /out/tmp; \
    chmod 1777 /out/tmp; \
    cp "$node" /out/usr/local/bin/node; \
    # The loader lists what it would load, also where there is no ldd.
    { ldd "$node" 2>/dev/null || LD_TRACE_LOADED_OBJECTS=1 "$node"; } | grep -o '/[^ )]*' | sort -u | \
    while read -r library; do \
        mkdir -p "/out${library%/*}"; \
        cp -L "$library" "/out$library"; \
    done; \
    echo 'hosts: files dns' > /out/etc/nsswitch.conf; \
    echo 'sluice:x:65532:65532::/:/sbin/nologin' > /out/etc/passwd; \
    echo 'sluice:x:65532:' > /out/etc/group

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Without scripts: the package `node` would fetch a second Node.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/bundle.ts scripts/
COPY lib lib
COPY certs certs
COPY webhook webhook
COPY controller controller
COPY page page
COPY sidecar sidecar
COPY uninstall uninstall
ARG PROGRAMS="webhook controller sidecar uninstall page"
RUN node scripts/bundle.ts /app ${PROGRAMS}

FROM scratch
COPY --from=runtime /out /
COPY --from=busybox /bin/busybox /usr/local/bin/busybox
COPY sidecar/scripts /app/sidecar
COPY --from=build /app /app
ENV PATH=/usr/local/bin NODE_ENV=production
USER 65532:65532
# Each Deployment and Job says which program it wants; the sidecar's container runs /app/sidecar/run.sh.
CMD ["node", "/app/controller.js"]
