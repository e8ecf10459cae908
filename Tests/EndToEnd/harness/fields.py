"""HPACK (RFC 7541), written for tests: literals out, everything in."""

LENGTHS = ("ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHF"
           "IBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCCCKGJIX"
           "PRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS"
           "VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWVZ")
STATIC = [tuple(entry.split("=", 1)) for entry in (
    ":authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|"
    ":status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|accept-encoding=gzip, deflate|"
    "accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|authorization=|cache-control=|"
    "content-disposition=|content-encoding=|content-language=|content-length=|content-location=|content-range=|"
    "content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|if-modified-since=|if-none-match=|if-range=|"
    "if-unmodified-since=|last-modified=|link=|location=|max-forwards=|proxy-authenticate=|proxy-authorization=|range=|"
    "referer=|refresh=|retry-after=|server=|set-cookie=|strict-transport-security=|transfer-encoding=|user-agent=|vary=|"
    "via=|www-authenticate=").split("|")]


def codes():
    """Symbols by (length, code): the code is canonical."""
    table, code = {}, 0
    for length in range(5, 31):
        for symbol, letter in enumerate(LENGTHS):
            if ord(letter) - 60 == length:
                table[length, code] = symbol
                code += 1
        code <<= 1
    return table


CODES = codes()


def unhuffman(data):
    out, code, length = bytearray(), 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            symbol = CODES.get((length, code))
            if symbol is not None:
                out.append(symbol)
                code = length = 0
    assert length < 8 and code == (1 << length) - 1, "bad padding"
    return bytes(out)


def integer(value, bits, flags=0):
    mask = (1 << bits) - 1
    if value < mask:
        return bytes([flags | value])
    out, rest = [flags | mask], value - mask
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out + [rest])


def encode(fields):
    """A block of literals that are not indexed."""
    out = b""
    for text in (text for field in fields for text in (None, *field)):
        if text is None:
            out += b"\0"
        else:
            data = text.encode("latin-1") if isinstance(text, str) else text
            out += integer(len(data), 7) + data
    return out


class Decoder:
    """Decodes the blocks of one connection."""

    def __init__(self):
        self.table, self.limit = [], 4096

    def decode(self, block):
        fields, at = [], 0

        def number(bits):
            nonlocal at
            mask = (1 << bits) - 1
            value, shift = block[at] & mask, 0
            at += 1
            if value < mask:
                return value
            while True:
                value += (block[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if block[at - 1] < 128:
                    return value

        def text():
            nonlocal at
            coded = block[at] & 128
            count = number(7)
            data, at = block[at:at + count], at + count
            assert len(data) == count, "a string is cut off"
            return (unhuffman(data) if coded else data).decode("latin-1")

        def entry(index):
            return STATIC[index - 1] if index <= len(STATIC) else self.table[index - len(STATIC) - 1]

        while at < len(block):
            first = block[at]
            if first & 0x80:
                fields.append(entry(number(7)))
            elif first & 0xE0 == 0x20:
                self.limit = number(5)
                self._evict()
            else:
                index = number(6 if first & 0x40 else 4)
                field = (entry(index)[0] if index else text(), text())
                fields.append(field)
                if first & 0x40:
                    self.table.insert(0, field)
                    self._evict()
        return fields

    def _evict(self):
        while sum(len(n) + len(v) + 32 for n, v in self.table) > self.limit:
            self.table.pop()
