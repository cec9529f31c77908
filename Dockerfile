# An image with the one executable that `deno task compile` makes, run by an ordinary user.
#
#   docker build -t cache-proxy .
#   docker run -d -p 8881:8881 -v cache-proxy:/data --stop-timeout 35 cache-proxy
#
# A shutdown gives downloads up to 30 s to end; docker's own patience is 10 s, hence --stop-timeout.
# A folder of the host in place of the volume must belong to user 65532.

# The version is that of .deno-version.
FROM denoland/deno:2.9.6 AS build
WORKDIR /src
COPY deno.json deno.lock main.ts ./
COPY src src
COPY tools/compile.ts tools/
RUN deno task compile /out/cache-proxy

# The executable needs glibc and libgcc, the health check needs bash; certificates are built in.
FROM debian:13-slim
COPY --from=build /out/cache-proxy /usr/local/bin/
COPY config.yaml /etc/cache-proxy/
# A new volume takes over the owner of the folder that it is mounted on.
RUN install -d -o 65532 -g 65532 /data
USER 65532:65532
# The data directory of the config is ./data, so this makes it /data.
WORKDIR /
ENV CONFIG=/etc/cache-proxy/config.yaml
VOLUME /data
EXPOSE 8881
# What is sent is no HTTP. The server answers it with 400 before it becomes a request: that proves
# that it is alive, asks no mirror for anything and leaves no line in the log. Another port or TLS
# in the config needs another check here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8881 && printf 'ping\\r\\n\\r\\n' >&3 && read -r answer <&3 && [[ $answer == HTTP/* ]]"]
ENTRYPOINT ["/usr/local/bin/cache-proxy"]
