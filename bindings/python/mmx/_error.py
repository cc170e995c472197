"""The base class of every error."""

from collections.abc import Callable
from typing import Any, ClassVar

from . import _ffi
from ._one import TakeResult


class Error(Exception):
    """A call failed. Its text says what went wrong and what to do; it never contains the API key.

    Pickles with all its attributes. An error of a status that this version doesn't know is an `Error` itself.
    """

    status: int = _ffi.MMX_ERROR_INTERNAL
    """One of MMX_ERROR_... in mmx.h."""
    status_name: str = "MMX_ERROR_INTERNAL"
    """The name of the status in mmx.h."""
    call: str = ""
    """The name of the call, for example "delete_file"."""
    parameter: str | None = None
    """The invalid argument, named as in the C interface; None when no argument was."""
    api_code: int = 0
    """The service's own error code, for example 1004; 0 when the response had none."""
    api_message: str = ""
    """The service's message, as it came; "" when the response had none."""
    http_status: int = 0
    """The HTTP status of the response; 0 when there was no response."""
    trace_id: str = ""
    """The id under which the service knows the request; "" when the response had none."""
    attempts: int = 0
    """How many requests were sent, or tried; 0 when the call failed before the first."""
    retry_after: float | None = None
    """How many seconds the service asks to wait; None when it didn't say."""
    ambiguous: bool = False
    """Whether the service may have carried out the call although it failed."""
    taken: TakeResult | None = None
    """For `take()`: the result of a call that failed when the file was whole on this disk; otherwise None."""

    # Makes an error of the fields of mmx_error_json(). Set by the module of the subclasses.
    _from_fields: ClassVar[Callable[[dict[str, Any]], "Error"]]

    def _fields(self) -> dict[str, Any]:
        """The fields of mmx_error_json()."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        fields["message"] = str(self)
        fields["retry_after_ms"] = -1 if self.retry_after is None else round(self.retry_after * 1000)
        return fields

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """The schema of pydantic: an error itself, or in JSON an object with the fields of mmx_error_json()."""
        from pydantic_core import core_schema

        def validate(fields: dict[str, Any]) -> Error:
            error = Error._from_fields(fields)
            if not isinstance(error, cls):
                raise ValueError(f"a status of {cls.__name__} is expected")
            return error

        schemas: dict[object, Any] = {
            int: core_schema.int_schema(),
            str: core_schema.str_schema(),
            bool: core_schema.bool_schema(),
            None: core_schema.nullable_schema(core_schema.str_schema()),
        }
        types = {**_FIELDS, "message": str, "retry_after_ms": int}
        named = {
            name: core_schema.typed_dict_field(schemas[kind], required=name in ("status", "message"))
            for name, kind in types.items()
        }
        fields = core_schema.typed_dict_schema(named, extra_behavior="allow")
        parsed = core_schema.no_info_after_validator_function(validate, fields)
        return core_schema.json_or_python_schema(
            json_schema=parsed,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), parsed]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda error: error._fields(), return_schema=fields, when_used="json"
            ),
        )


# Those of mmx_error_json() that are attributes, and their types; None is a text or null.
_FIELDS: dict[str, type | None] = {
    "status": int,
    "status_name": str,
    "call": str,
    "parameter": None,
    "api_code": int,
    "api_message": str,
    "http_status": int,
    "trace_id": str,
    "attempts": int,
    "ambiguous": bool,
}

Error.__module__ = "mmx"
