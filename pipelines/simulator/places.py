"""Where people work: countries with their names, offices and public holidays."""

# ruff: noqa: RUF001  (Ukrainian names are written in Ukrainian)
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache


@dataclass(frozen=True)
class Country:
    """A country of the company. `weight` is its share of the people."""

    code: str
    name: str
    weight: int
    offices: tuple[tuple[str, str], ...]
    language: str
    first_names: tuple[tuple[str, str], ...]
    last_names: tuple[tuple[str, str], ...]
    fixed_holidays: tuple[tuple[int, int], ...]
    easter_offsets: tuple[int, ...] = ()
    has_thanksgiving: bool = False


def _names(text: str) -> tuple[tuple[str, str], ...]:
    """`shown` or `shown=ascii` words: a name as people write it and as it stands in an address."""
    pairs = []
    for word in text.split():
        shown, _, plain = word.partition("=")
        pairs.append((shown.replace("_", " "), plain or shown.lower()))
    return tuple(pairs)


COUNTRIES = (
    Country(
        "US",
        "United States",
        30,
        (("Seattle", "Seattle HQ"), ("Austin", "Austin 2"), ("Chicago", "Chicago Loop")),
        "en-US",
        _names(
            "Olivia Liam Emma Noah Ava Ethan Sophia Mason Isabella Logan Mia Lucas Charlotte Jackson Amelia Aiden "
            "Harper Elijah Grace James Chloe Benjamin Zoe Daniel"
        ),
        _names(
            "Adams Baker Carter Diaz Edwards Foster Garcia Hughes Ingram Johnson Kelly Lopez Mitchell Nelson "
            "Owens Parker Quinn Reed Sanders Turner Underwood Vargas Walker Young De_la_Cruz=delacruz McCarthy"
        ),
        ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)),
        has_thanksgiving=True,
    ),
    Country(
        "DE",
        "Germany",
        18,
        (("Berlin", "Berlin Mitte"), ("München", "München Süd")),
        "de-DE",
        _names(
            "Anna Lukas Lena Jonas Jürgen=juergen Sabine Felix Katharina Björn=bjoern Marie Tobias Heike Stefan "
            "Ulrike Günter=guenter Petra Maximilian Claudia Florian Nadine"
        ),
        _names(
            "Schmidt Müller=mueller Weber Fischer Wagner Becker Schäfer=schaefer Koch Richter Groß=gross "
            "Neumann Schröder=schroeder Braun Zimmermann Hofmann Krüger=krueger Lange Vogel Böhm=boehm Winkler"
        ),
        ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
        (-2, 1, 39, 50),
    ),
    Country(
        "GB",
        "United Kingdom",
        14,
        (("London", "London Bridge"), ("Manchester", "Manchester Quay")),
        "en-GB",
        _names(
            "Oliver Amelia Harry Isla George Ella Freddie Poppy Siobhán=siobhan Alfie Niamh Archie Freya Callum "
            "Imogen Rhys Gemma Priya Mohammed Fiona"
        ),
        _names(
            "Smith Jones Taylor Brown Williams Wilson Evans Thomas Roberts Patel Khan Walsh Hughes Murphy Green "
            "Clarke O'Connor D'Arcy Wright Robinson"
        ),
        ((1, 1), (12, 25), (12, 26)),
        (-2, 1),
    ),
    Country(
        "FR",
        "France",
        10,
        (("Paris", "Paris La Défense"), ("Lyon", "Lyon Part-Dieu")),
        "fr-FR",
        _names(
            "Chloé=chloe Hugo Léa=lea Louis Camille Jules Manon Gaël=gael Inès=ines Théo=theo Zoé=zoe Arthur "
            "Éloïse=eloise Mathis François=francois Aurélie=aurelie"
        ),
        _names(
            "Martin Bernard Dubois Durand Lefèvre=lefevre Moreau Garnier Rousseau Fournier Girard Mercier "
            "Bonnet Lambert François=francois Blanchard Guérin=guerin"
        ),
        ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)),
        (1, 39, 50),
    ),
    Country(
        "BR",
        "Brazil",
        10,
        (("São Paulo", "São Paulo Paulista"),),
        "pt-BR",
        _names(
            "João=joao Mariana Pedro Ana Gustavo Beatriz Thiago Letícia=leticia Rafael Camila André=andre "
            "Fernanda Luís=luis Patrícia=patricia"
        ),
        _names(
            "Silva Souza Costa Oliveira Pereira Gonçalves=goncalves Araújo=araujo Ribeiro Carvalho Almeida "
            "Conceição=conceicao Barbosa Rocha Teixeira"
        ),
        ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25)),
        (-48, -47, -2, 60),
    ),
    Country(
        "PL",
        "Poland",
        8,
        (("Kraków", "Kraków Zabłocie"),),
        "pl-PL",
        _names(
            "Katarzyna Piotr Agnieszka Michał=michal Małgorzata=malgorzata Łukasz=lukasz Zofia Paweł=pawel "
            "Joanna Grzegorz Ewa Wojciech"
        ),
        _names(
            "Nowak Kowalska Wiśniewski=wisniewski Wójcik=wojcik Kamińska=kaminska Zieliński=zielinski "
            "Szymańska=szymanska Dąbrowski=dabrowski Kozłowska=kozlowska Mazur Jabłoński=jablonski Krawczyk"
        ),
        ((1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)),
        (1, 60),
    ),
    Country(
        "JP",
        "Japan",
        6,
        (("東京", "Tokyo Marunouchi"),),
        "ja-JP",
        _names("健太=kenta さくら=sakura 翔=sho 美咲=misaki 大輔=daisuke 陽子=yoko 直樹=naoki 恵=megumi"),
        _names("佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 伊藤=ito 渡辺=watanabe 山本=yamamoto 中村=nakamura"),
        ((1, 1), (1, 2), (1, 3), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)),
    ),
    Country(
        "UA",
        "Ukraine",
        4,
        (("Київ", "Kyiv Podil"),),
        "uk-UA",
        _names("Олена=olena Тарас=taras Наталія=nataliia Андрій=andrii Оксана=oksana Дмитро=dmytro"),
        _names("Шевченко=shevchenko Коваленко=kovalenko Бондаренко=bondarenko Ткаченко=tkachenko Мельник=melnyk"),
        ((1, 1), (3, 8), (5, 1), (6, 28), (8, 24), (12, 25)),
        (1,),
    ),
)
BY_CODE = {country.code: country for country in COUNTRIES}


def easter_sunday(year: int) -> date:
    """Easter by the Gregorian calendar (the anonymous computus)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=1024)
def holidays(code: str, year: int) -> frozenset[int]:
    """The public holidays of a country's year, as proleptic ordinals."""
    country = BY_CODE[code]
    days = {date(year, month, day) for month, day in country.fixed_holidays}
    days |= {easter_sunday(year) + timedelta(days=offset) for offset in country.easter_offsets}
    if country.has_thanksgiving:
        first = date(year, 11, 1)
        thursday = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        days |= {thursday, thursday + timedelta(days=1)}
    return frozenset(day.toordinal() for day in days)
