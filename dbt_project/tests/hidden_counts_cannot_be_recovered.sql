-- Tries to work out the small groups that the shareable tables hide, from what they show. A count
-- is found out when only one value is left that it can have: it is shown after all, or it follows
-- from Windows, Mac and desktop, or from those who must have used the one platform that is hidden.
{{
    config(
        meta={
            "description": "No hidden count follows from the counts that are shown beside it.",
            "dagster": {"ref": {"name": "shareable__app_usage_daily"}},
        }
    )
}}
{% set largest = var("min_group_size") - 1 %}
{% set tables = {"app_usage_daily": "report_date", "app_usage_28d": "window_end"} %}
{% set others = {
    "windows": none,
    "mac": none,
    "desktop": ["mobile", "web"],
    "mobile": ["desktop", "web"],
    "web": ["desktop", "mobile"],
} %}
with
    cells as (
        {% for table, day in tables.items() %}
            {% set last_table = loop.last %}
            {% for platform, rest in others.items() %}
                select
                    '{{ table }}' as table_name,
                    shown.tenant_id,
                    shown.app,
                    shown.{{ day }} as day,
                    '{{ platform }}' as platform,
                    actual.active_users as total,
                    actual.{{ platform }}_users as actual,
                    shown.{{ platform }}_users as shown,
                    {% if rest is none %} 0
                    {% else %}
                        coalesce(
                            shown.active_users
                            - shown.{{ rest[0] }}_users
                            - shown.{{ rest[1] }}_users,
                            0
                        )
                    {% endif %} as least_possible,
                    {% if platform in ["mobile", "web"] %} false
                    {% else %}
                        shown.{{ platform }}_users is null
                        and (
                            shown.windows_users is not null
                            or shown.mac_users is not null
                            or shown.desktop_users is not null
                        )
                    {% endif %} as is_half_hidden
                from {{ ref("shareable__" ~ table) }} as shown
                inner join
                    {{ ref(table) }} as actual
                    on shown.tenant_id = actual.tenant_id
                    and shown.app = actual.app
                    and shown.{{ day }} = actual.{{ day }}
                where actual.active_users is not null
                {% if not (loop.last and last_table) %}
                    union all
                {% endif %}
            {% endfor %}
        {% endfor %}
    ),

    small as (
        select *
        from cells
        where actual between 1 and {{ largest }} or total - actual between 1 and {{ largest }}
    ),

    -- The reader knows the rule: what is hidden is a small group, or the rest of one.
    candidates as (
        {% for size in range(1, largest + 1) %}
            select *, {{ size }} as candidate
            from small
            union all
            select *, total - {{ size }} as candidate
            from small
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select table_name, tenant_id, app, day, platform, total, actual, shown
from candidates
where shown is not null or is_half_hidden or candidate between least_possible and total
group by table_name, tenant_id, app, day, platform, total, actual, shown, is_half_hidden
having shown is not null or is_half_hidden or count(distinct candidate) = 1
