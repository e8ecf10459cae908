"""The OpenAPI document of the admin API, and whether answers are as it says."""
import re

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
KINDS = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None)}
KNOWN = {"type", "format", "minimum", "enum", "items", "properties", "required", "additionalProperties", "anyOf", "$ref", "minItems", "maximum", "pattern"}


class Document:
    """A document that was fetched."""

    def __init__(self, value):
        self.value = value

    def operation(self, method, target):
        """The operation of a request."""
        path = target.partition("?")[0]
        fitting = [p for p in self.value["paths"] if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(p)), path)]
        fitting.sort(key=lambda p: p.count("{"))
        for p in fitting:
            if method.lower() in self.value["paths"][p]:
                return self.value["paths"][p][method.lower()]
        raise AssertionError(f"the document knows no {method} {path}")

    def check(self, method, target, response):
        """Asserts that an answer is one that the document announces."""
        responses = self.operation(method, target)["responses"]
        told = responses.get(str(response.status)) or (responses["default"] if response.status >= 400 else None)
        assert told is not None, f"{method} {target}: {response.status} is not announced"
        if "content" not in told:
            assert response.body == b"", f"{method} {target}: a body is not announced"
            return
        (kind, content), = told["content"].items()
        assert response.field("content-type") == kind, f"{method} {target}: {response!r}"
        self.validate(response.json, content["schema"], f"{method} {target}")

    def validate(self, value, schema, place):
        """Asserts that a value fits a schema, of the few words that the document uses; an object has no member it does not name."""
        if "$ref" in schema:
            return self.validate(value, self.value["components"]["schemas"][schema["$ref"].rpartition("/")[2]], place)
        assert set(schema) <= KNOWN, f"{place}: unknown words in {schema}"
        if "anyOf" in schema:
            troubles = []
            for one in schema["anyOf"]:
                try:
                    return self.validate(value, one, place)
                except AssertionError as e:
                    troubles.append(str(e))
            raise AssertionError("; ".join(troubles))
        kind = schema.get("type")
        if kind in ("integer", "number"):
            right = isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
            assert right and value >= schema.get("minimum", value), f"{place}: {value!r} is no {schema}"
        elif kind:
            assert isinstance(value, KINDS[kind]), f"{place}: {value!r} is no {kind}"
        assert value in schema.get("enum", [value]), f"{place}: {value!r} is none of {schema.get('enum')}"
        if schema.get("format") == "date-time":
            assert TIME.match(value), f"{place}: {value!r} is no time"
        if kind == "array":
            for index, item in enumerate(value):
                self.validate(item, schema["items"], f"{place}[{index}]")
        if kind == "object":
            members = schema.get("properties", {})
            for name in schema.get("required", []):
                assert name in value, f"{place}: {name} is missing"
            for name, item in value.items():
                if name in members:
                    self.validate(item, members[name], f"{place}.{name}")
                else:
                    assert "additionalProperties" in schema, f"{place}: {name} is not announced"
                    self.validate(item, schema["additionalProperties"], f"{place}.{name}")
