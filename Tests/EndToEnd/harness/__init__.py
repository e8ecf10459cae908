"""What the end-to-end tests stand on: the real binary, origins that can misbehave, clients that see raw bytes."""
from .case import Case, eventually
from .certificates import Authority, openssl
from .client import Client, Response, exchange, get
from .gate import Gate, Lines, binary
from .origin import Exchange, Origin, closed_port
from .settings import conf, shard, table, tenant

__all__ = ["Authority", "Case", "Client", "Exchange", "Gate", "Lines", "Origin", "Response", "binary", "closed_port", "conf",
           "eventually", "exchange", "get", "openssl", "shard", "table", "tenant"]
