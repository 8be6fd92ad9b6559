"""Names beyond those of the countries: for changing positions, for guests, and a cast of hard cases."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NEWCOMERS = _words(
    "Abbott Alvarez Andersen Bauer Bell Bergman Bianchi Blake Cohen Conti Cruz Dahl Delgado Eriksen "
    "Esposito Ferrari Fonseca Gruber Haas Hansen Herrera Horvat Jansen Keller Kim Larsen Leroy Lindgren "
    "Lund Marin Meyer Novak Ortiz Park Peeters Petrov Popescu Ricci Romero Rossi Santos Singh Soto "
    "Steiner Varga Visser Wolf Zhang"
)
"""Surnames that only holders of changing positions bear, so that an address is theirs alone."""

MARRIED = _words(
    "Archer Baptiste Castillo Drake Ellison Falk Goldberg Holm Ivanov Jensen Kaur Lehmann Marino Nilsson "
    "Olsen Palmer Quiroga Ruiz Sharma Thorne Urban Vidal Weiss Yilmaz Ziegler"
)
"""Surnames taken by people whose name changes."""

SEASONAL = (
    ("j.fontaine", (("Julie", "Fontaine"), ("Jacques", "Fontaine"), ("Jana", "Fontaine"))),
    ("m.greco", (("Marco", "Greco"), ("Marta", "Greco"), ("Mirko", "Greco"))),
    ("s.lindholm", (("Sven", "Lindholm"), ("Sara", "Lindholm"), ("Stina", "Lindholm"))),
    ("d.okafor", (("David", "Okafor"), ("Dayo", "Okafor"), ("Deborah", "Okafor"))),
)
"""Addresses given again and again to another person, each time a new account."""

GUEST_DOMAINS = ("adatum.example", "litware.example", "wingtiptoys.example", "northwind.example")

SHARED_MAILBOXES = (
    ("info", "Info"),
    ("invoices", "Invoices (Rechnungseingang)"),
    ("careers", "Careers & Applications"),
    ("support", "Support"),
    ("archive.2019", "=ARCHIVE= Old invoices 2019"),
    ("press", "Press Office"),
    ("facilities", "Facilities"),
    ("orders", "Orders, Returns"),
)
ROOMS = ("Berlin 4.12 Spree", "London 2 Thames", "Seattle 1 Rainier", "Paris 3 Seine", "Tokyo 8 Sumida")
SERVICE_ACCOUNTS = (
    ("svc-backup", "svc-backup"),
    ("svc-sync", "On-Premises Directory Synchronization Service Account"),
    ("svc-scanner", "@Scanner 2nd floor"),
    ("svc-kiosk", "Kiosk Lobby"),
)


@dataclass(frozen=True)
class CastMember:
    """Somebody whose name or address is known to break careless software."""

    given_name: str
    surname: str
    display_name: str
    local_part: str
    country: str
    job_title: str | None = None
    office: str | None = None


CAST = (
    CastMember("Siobhán", "O'Brien", "Siobhán O'Brien", "siobhan.o'brien", "GB"),
    CastMember("Jörg", "Müller-Lüdenscheidt", "Müller-Lüdenscheidt, Jörg", "joerg.mueller-luedenscheidt", "DE"),
    CastMember("Anna", "Kowalska-Wrona", "Anna Kowalska-Wrona", "Anna.KOWALSKA-WRONA", "PL"),
    CastMember("Hương", "Nguyễn", "Nguyễn Thị Hương", "huong.nguyen", "US", job_title='Senior "Growth" Manager'),
    CastMember("Jean-François", "Le Goff", "Jean-François Le Goff", "JFLeGoff", "FR", office="Building <B> & Annex"),
    CastMember("健一", "長谷川", "長谷川 健一", "kenichi.hasegawa", "JP"),
)
