"""Who may do what: people, tokens, log-in."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.requests import Request

from tocsin.node.access import Access, Caller, require
from tocsin.node.node import Node
from tocsin.node.passwords import LEAST, MOST
from tocsin.node.people import NAME, SUBJECT, Door
from tocsin.node.stores import people, tokens
from tocsin.node.stores.times import moment

router = APIRouter(prefix="/v1", tags=["access"])
Scope = Literal["check", "ingest", "read", "content", "decide", "admin", "metrics"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Secret = Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra={"format": "password"})]
NewSecret = Annotated[str, Field(min_length=LEAST, max_length=MOST, json_schema_extra={"format": "password"})]
PersonName = Annotated[str, Field(pattern=NAME)]
AnId = Annotated[str, InPath(pattern=r"^[A-Z]-[0-9a-f]{16}$")]
Admin = Annotated[Caller, Depends(require("admin"))]
Anybody = Annotated[Caller, Depends(require())]
_DAYS_MOST = 3650


_EITHER: JsonDict = {
    "anyOf": [
        {"required": ["password"], "properties": {"password": {"type": "string"}}},
        {"required": ["subject"], "properties": {"subject": {"type": "string"}}},
    ]
}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonIn(_In):
    """A person, by password, by what the identity provider calls them, or both."""

    model_config = ConfigDict(json_schema_extra=_EITHER)

    name: PersonName
    scopes: list[Scope] = Field(min_length=1, max_length=7)
    password: NewSecret | None = None
    subject: Annotated[str, Field(max_length=400, pattern=SUBJECT)] | None = None


class PersonOut(BaseModel):
    """A person."""

    id: str
    name: str
    scopes: list[str]
    has_password: bool
    subject: str | None
    made: datetime
    disabled: datetime | None


class PersonPage(BaseModel):
    """All people."""

    people: list[PersonOut]


class TokenIn(_In):
    """A token for a program, or another one for yourself."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=7)
    days: int | None = Field(None, ge=1, le=_DAYS_MOST, description="after which it ends; null: never")


class TokenMade(BaseModel):
    """A token, told this once."""

    id: str
    token: str


class TokenOut(BaseModel):
    """What is kept of a token."""

    id: str
    name: str
    start: str
    scopes: list[str]
    person: str | None
    made: datetime
    until: datetime | None
    revoked: datetime | None


class TokenPage(BaseModel):
    """All tokens."""

    tokens: list[TokenOut]


class Made(BaseModel):
    """Something that was made."""

    id: str


class Me(BaseModel):
    """Who asks."""

    id: str
    name: str
    person: str | None
    scopes: list[str]


class LogIn(_In):
    """A name and a password."""

    name: Name
    password: Secret


class NewPassword(_In):
    """The password, and what it is to be."""

    old: Secret
    new: NewSecret


@router.get("/me", summary="Tell who asks, and what they may do.")
async def me(caller: Anybody) -> Me:
    """Tell."""
    return Me(id=caller.actor, name=caller.name, person=caller.person, scopes=sorted(caller.scopes))


@router.post("/login", summary="Get a token for a while, by name and password.")
def log_in(request: Request, body: LogIn) -> TokenMade:
    """Log in."""
    made, token = _door(request).log_in(body.name, body.password)
    return TokenMade(id=made, token=token)


@router.post("/logout", summary="Revoke the token that this is asked with.", status_code=204)
def log_out(request: Request, caller: Anybody) -> None:
    """Log out."""
    _door(request).revoke_token(caller, caller.id)
    _forget(request)


@router.post("/me/password", summary="Change your own password; your other log-ins end.", status_code=204)
def change_password(request: Request, caller: Anybody, body: NewPassword) -> None:
    """Change it."""
    _door(request).change_password(caller, body.old, body.new)
    _forget(request)


@router.get("/people", summary="List people.")
def list_people(request: Request, _caller: Admin) -> PersonPage:
    """List."""
    with _node(request).database.reading() as connection:
        found = people.everybody(connection)
    shown = [
        PersonOut(
            id=one.id,
            name=one.name,
            scopes=sorted(one.scopes),
            has_password=one.password is not None,
            subject=one.subject,
            made=moment(one.made),
            disabled=_maybe(one.disabled),
        )
        for one in found
    ]
    return PersonPage(people=shown)


@router.post("/people", summary="Let a person in.", status_code=201)
def add_person(request: Request, caller: Admin, body: PersonIn) -> Made:
    """Add."""
    return Made(id=_door(request).add_person(caller, body.name, body.scopes, body.password, body.subject))


@router.delete("/people/{person_id}", summary="Disable a person and all their tokens.", status_code=204)
def remove_person(request: Request, caller: Admin, person_id: AnId) -> None:
    """Disable."""
    _door(request).remove_person(caller, person_id)
    _forget(request)


@router.get("/tokens", summary="List tokens.")
def list_tokens(request: Request, _caller: Admin) -> TokenPage:
    """List."""
    with _node(request).database.reading() as connection:
        found = tokens.every(connection)
    shown = [
        TokenOut(
            id=one.id,
            name=one.name,
            start=one.start,
            scopes=sorted(one.scopes),
            person=one.person,
            made=moment(one.made),
            until=_maybe(one.until),
            revoked=_maybe(one.revoked),
        )
        for one in found
    ]
    return TokenPage(tokens=shown)


@router.post("/tokens", summary="Make a token with scopes that you have.", status_code=201)
def add_token(request: Request, caller: Admin, body: TokenIn) -> TokenMade:
    """Make."""
    made, token = _door(request).add_token(caller, body.name, body.scopes, body.days)
    return TokenMade(id=made, token=token)


@router.delete("/tokens/{token_id}", summary="Revoke a token.", status_code=204)
def revoke_token(request: Request, caller: Admin, token_id: AnId) -> None:
    """Revoke."""
    _door(request).revoke_token(caller, token_id)
    _forget(request)


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _forget(request: Request) -> None:
    access: Access = request.app.state.access
    access.forget()


def _maybe(micros: int | None) -> datetime | None:
    return None if micros is None else moment(micros)
