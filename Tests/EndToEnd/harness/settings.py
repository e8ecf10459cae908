"""Texts of configurations, so that a test spells out only what it is about."""


def block(kind, *lines):
    """`kind { lines }`."""
    return "\n".join([f"{kind} {{"] + [f"  {line}" for text in lines for line in text.split("\n")] + ["}"])


def shard(name, *backends, lines=()):
    """A shard; a backend is an origin or the text after `backend`."""
    places = [f"backend {b if isinstance(b, str) else b.address}" for b in backends]
    return block(f"shard {name}", *places, *lines)


def tenant(name, *lines, host=None, home=None):
    """A tenant, by default at NAME.example."""
    said = [f"host {host if host is not None else name + '.example'}"] if host != "" else []
    return block(f"tenant {name}", *said, *([f"home {home}"] if home else []), *lines)


def table(*rows):
    """The text of a tenant table."""
    return "\n".join(rows) + "\n"


HTTP2 = "listen 127.0.0.1:0 {\n  protocols h2\n}"
BOTH = "listen 127.0.0.1:0 {\n  protocols h2 http/1.1\n}"


def conf(*parts, listen=("127.0.0.1:0",), resolve=("host",), workers=2, metrics="127.0.0.1:0", log="json", drain="5s"):
    """A whole configuration: quick to stop, ports chosen by the kernel, an access log beside the file."""
    top = [f"workers {workers}", f"drain {drain}"]
    top += [address if address.startswith("listen ") else f"listen {address}" for address in listen]
    if metrics:
        top.append(f"metrics {metrics}")
    top.append("access-log off" if log is None else f"access-log access.log {{\n  format {log}\n}}")
    top.append(block("resolve", *resolve))
    return "\n".join(top + list(parts)) + "\n"
