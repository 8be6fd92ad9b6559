{%- set apps = packed_apps() -%}
-- What was known of a person at the end of a month holds until the person's next month with use.
with
    months as (
        select
            tenant_id,
            user_key,
            month_start,
            {% for app in apps %}
                max({{ app }}_last) over (
                    partition by user_key
                    order by month_start
                    rows between unbounded preceding and current row
                ) as {{ app }}_last,
            {% endfor %}
            lead(month_start) over (partition by user_key order by month_start) as next_month
        from {{ ref("int_user_months") }}
        where user_key > 0
    )

select
    months.tenant_id,
    months.user_key,
    days.judged_on,
    {% for app in apps %} months.{{ app }}_last {%- if not loop.last %}, {% endif %} {% endfor %}
from months
inner join
    {{ ref("int_judgement_days") }} as days
    on months.tenant_id = days.tenant_id
    and months.month_start <= days.evidence_end
    and coalesce(months.next_month, {{ last_day() }}) > days.evidence_end
