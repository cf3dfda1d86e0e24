"""Every route of the console and what it takes to call it: a role, any session, or nothing."""

READ, SUBMIT, OPERATE, ADMIN = "read", "submit", "operate", "admin"
OPEN, SESSION = "open", "a session"

ONE = "/console/deliveries/{delivery_id:str}"
CONSOLE = {
    ("GET", "/console/login"): OPEN,
    ("POST", "/console/login"): OPEN,
    ("GET", "/console/static/{name:str}"): OPEN,
    ("POST", "/console/logout"): SESSION,
    ("GET", "/console/live"): SESSION,
    ("GET", "/console/sessions"): SESSION,
    ("POST", "/console/sessions/end"): SESSION,
    ("GET", "/console"): READ,
    ("GET", "/console/deliveries"): READ,
    ("POST", "/console/deliveries/search"): READ,
    ("GET", ONE): READ,
    ("POST", f"{ONE}/reveal"): READ,
    ("POST", f"{ONE}/resolve"): OPERATE,
    ("POST", f"{ONE}/retry"): OPERATE,
    ("POST", f"{ONE}/cancel"): SUBMIT,
    ("POST", f"{ONE}/redeliver/{{event_id:str}}"): OPERATE,
    ("GET", "/console/connections"): READ,
    ("POST", "/console/connections/{clinic_id:str}/{name:str}/pause"): OPERATE,
    ("POST", "/console/connections/{clinic_id:str}/{name:str}/resume"): OPERATE,
    ("GET", "/console/clinics"): READ,
    ("GET", "/console/clinics/{clinic_id:str}"): READ,
    ("GET", "/console/webhooks"): OPERATE,
    ("GET", "/console/callbacks"): OPERATE,
    ("POST", "/console/callbacks/{app:str}/resume"): OPERATE,
    ("GET", "/console/audit"): ADMIN,
    ("GET", "/console/configuration"): ADMIN,
    ("POST", "/console/configuration/reload"): ADMIN,
}

PAGES = [
    path
    for (method, path), role in CONSOLE.items()
    if method == "GET" and "{" not in path and role not in {OPEN, SESSION}
]
"""The pages that stand on their own."""


def path_of(template: str, **more: str) -> str:
    """An address that the template stands for."""
    known = {"delivery_id": "tsk_nothing", "clinic_id": "north", "name": "emr", "app": "nobody", "event_id": "evt_1"}
    for name, value in {**known, **more}.items():
        template = template.replace(f"{{{name}:str}}", value)
    return template
