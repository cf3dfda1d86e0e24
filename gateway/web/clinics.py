"""What a key may use, and what each clinic's connections can do and want."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from msgspec import structs

from gateway.errors import Refused
from gateway.rules.clinic import Clinic, Connection, Rule
from gateway.rules.routing import offers
from gateway.store.reading import Paused
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.headers import Reasoned
from gateway.web.problems import problems
from gateway.web.replies import (
    Capabilities,
    Clinics,
    ClinicSummary,
    ConnectionHealth,
    ConnectionRules,
    Connections,
    ConnectionSummary,
    FieldRule,
    Me,
    OperationRule,
    Reason,
)
from gateway.web.services import Served, Services
from schemas.command import Name
from schemas.problem import problem


class About(Controller):
    """Clinics, connections, and the key itself."""

    path = "/v1"
    tags = ("clinics",)

    @get("/me", responses=problems(), summary="What this key may do")
    async def me(self, request: StrictRequest) -> Me:
        """A credential test; any key may ask."""
        app = request.user
        return Me(
            app=app.name,
            key_id=request.auth,
            roles=sorted(app.roles),
            clinics=sorted(app.clinics),
            require_key=app.require_key,
        )

    @get("/clinics", guards=[needs("read")], responses=problems(), summary="The clinics in reach")
    async def clinics(self, request: StrictRequest, services: Served) -> Clinics:
        """Each with its connections and what they can be asked."""
        return Clinics(items=[_summary(clinic) for clinic in within_reach(request, services)])

    @get(
        "/clinics/{clinic_id:str}/capabilities", guards=[needs("read")],
        responses=problems(404), summary="What a clinic's connections take and want",
    )  # fmt: skip
    async def capabilities(self, request: StrictRequest, services: Served, clinic_id: FromPath[str]) -> Capabilities:
        """The effective rules of each connection, each with the layer it comes from."""
        clinic = services.configured.clinic(clinic_id)
        if clinic is None or not request.user.may_touch(clinic_id):
            raise Refused(problem("not-found"))
        return Capabilities(
            clinic_id=clinic.id,
            config_version=clinic.version,
            connections=[rules_of(connection) for connection in clinic.connections.values()],
        )

    @get(
        "/connections", guards=[needs("read")], responses=problems(),
        summary="The connections in reach, and whether they work",
    )  # fmt: skip
    async def connections(self, request: StrictRequest, services: Served) -> Connections:
        """Paused ones say since when and why."""
        paused = {(gone.clinic_id, gone.connection): gone for gone in await services.store.paused()}
        return Connections(
            items=[
                _health(connection, paused.get((clinic.id, connection.name)))
                for clinic in within_reach(request, services)
                for connection in clinic.connections.values()
            ]
        )

    @post(
        "/connections/{clinic_id:str}/{name:str}/pause", guards=[needs("operate")],
        status_code=200, responses=problems(400, 404, 413, 415, 422), summary="Hold everything for a connection",
    )  # fmt: skip
    async def pause(
        self,
        request: StrictRequest,
        services: Served,
        clinic_id: FromPath[str],
        name: FromPath[str],
        data: JSONBody[Reason],
    ) -> ConnectionHealth:
        """What is queued is held, what is accepted from now on too, until `resume`."""
        connection = connection_of(request, services, clinic_id, name)
        await services.asking.pause(connection, request.caller, data.reason)
        return _health(connection, await _paused(services, clinic_id, name))

    @post(
        "/connections/{clinic_id:str}/{name:str}/resume", guards=[needs("operate")],
        status_code=200, responses=problems(400, 404, 413, 415, 422), operation_class=Reasoned,
        summary="Open a paused connection again",
    )  # fmt: skip
    async def resume(
        self, request: StrictRequest, services: Served, clinic_id: FromPath[str], name: FromPath[str]
    ) -> ConnectionHealth:
        """What was held goes out."""
        connection = connection_of(request, services, clinic_id, name)
        await services.asking.resume(connection, request.caller, await request.why())
        return _health(connection, None)


def within_reach(request: StrictRequest, services: Services) -> list[Clinic]:
    """The clinics that the key may touch."""
    clinics = services.configured.config.clinics.values()
    return [clinic for clinic in clinics if request.user.may_touch(clinic.id)]


def connection_of(request: StrictRequest, services: Services, clinic_id: str, name: str) -> Connection:
    """The connection, if the key may touch it. Raises Refused."""
    connection = services.configured.connection(clinic_id, name)
    if connection is None or not request.user.may_touch(clinic_id):
        raise Refused(problem("not-found"))
    return connection


async def _paused(services: Services, clinic_id: str, name: str) -> Paused | None:
    paused = await services.store.paused()
    return next((gone for gone in paused if (gone.clinic_id, gone.connection) == (clinic_id, name)), None)


def _health(connection: Connection, gone: Paused | None) -> ConnectionHealth:
    return ConnectionHealth(
        clinic_id=connection.clinic_id,
        name=connection.name,
        adapter=connection.adapter.name,
        emr=connection.emr,
        paused=gone is not None,
        since=gone.since if gone else None,
        why=gone.detail if gone else None,
    )


def _summary(clinic: Clinic) -> ClinicSummary:
    return ClinicSummary(
        id=clinic.id,
        name=clinic.name,
        timezone=clinic.timezone.key,
        connections=[
            ConnectionSummary(
                name=connection.name,
                adapter=connection.adapter.name,
                emr=connection.emr,
                operations=[operation for operation in connection.rules if offers(connection, operation)],
            )
            for connection in clinic.connections.values()
        ],
    )


def rules_of(connection: Connection) -> ConnectionRules:
    """The effective rules of a connection, as they are told."""
    return ConnectionRules(
        name=connection.name,
        adapter=connection.adapter.name,
        emr=connection.emr,
        operations={name: _operation(connection, name, rule) for name, rule in connection.rules.items()},
    )


def _operation(connection: Connection, name: Name, rule: Rule) -> OperationRule:
    return OperationRule(
        supported=rule.support.supported,
        source=rule.support.source,
        where=rule.support.where,
        note=rule.support.note,
        fields={path: told for path in rule.fields if (told := field_rule(connection, name, path))},
        one_of=[{"fields": group.fields, "source": group.source, "where": group.where} for group in rule.one_of],
        defaults=_defaults(connection, name),
    )


def field_rule(connection: Connection, name: Name, path: str) -> FieldRule | None:
    """What holds for a field of an operation; None for one that the table is silent about."""
    rule = connection.rules.get(name)
    cell = rule.fields.get(path) if rule else None
    if cell is None:
        return None
    spot = connection.adapter.operation(name).places.get(path)
    return FieldRule(
        need=cell.need,
        place=spot.wire if spot else None,
        source=cell.source,
        where=cell.where,
        checked=cell.checked,
        note=cell.note,
    )


def _defaults(connection: Connection, name: Name) -> list[str]:
    """Canonical fields with a default here that has a place to go."""
    filled = {path for path, value in structs.asdict(connection.defaults).items() if value}
    supplied = filled - {"due_in", "title_from"}
    supplied |= {"due_at"} if "due_in" in filled else set()
    supplied |= {"title"} if "title_from" in filled else set()
    places = connection.adapter.operation(name).places
    return sorted(path for path in supplied if path in places and places[path].wire is not None)
