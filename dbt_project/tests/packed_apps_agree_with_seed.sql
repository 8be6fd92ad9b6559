-- The packed columns are named in a macro; the seed says which apps there are, and which are the
-- suite. (A dry run without rows has no seed to compare with.)
{{
    config(
        meta={
            "description": "The apps of the packed person-days are those of the seed.",
            "dagster": {"ref": {"name": "seed_apps"}},
        }
    )
}}
with
    packed as (
        {% for app in packed_apps() %}
            select '{{ app }}' as app, {{ app in suite_apps() }} as in_suite
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    apps as (select app, in_suite from {{ ref("seed_apps") }})

select packed.app, apps.app as app_of_seed
from packed
full outer join apps on packed.app = apps.app
where
    exists (select 1 from apps)
    and (packed.app is null or apps.app is null or packed.in_suite <> apps.in_suite)
