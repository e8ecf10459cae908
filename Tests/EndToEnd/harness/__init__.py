"""What the end-to-end tests stand on: the real binary, origins that can misbehave, clients that see raw bytes."""
from .case import Case, eventually
from .certificates import Authority, openssl
from .client import Client, Response, exchange, get
from .frames import Frames, GoneAway, Reset
from .frames_origin import FramesOrigin
from .document import Document
from .gate import Gate, Lines, binary
from .origin import Exchange, Origin, closed_port
from .settings import BOTH, HTTP2, conf, shard, table, tenant

__all__ = ["Authority", "BOTH", "Case", "Client", "Document", "Exchange", "Frames", "FramesOrigin", "Gate", "GoneAway", "HTTP2", "Lines",
           "Origin", "Reset", "Response", "binary", "closed_port", "conf", "eventually", "exchange", "get", "openssl", "shard",
           "table", "tenant"]
