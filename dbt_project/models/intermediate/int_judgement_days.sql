-- Licences are judged as of today, and as of the end of each month of the last year that was wholly
-- covered by directory and reports, so that lists can be compared from month to month.
with
    first_reads as (
        select tenant_id, min(observed_on) as first_read_on
        from {{ ref("stg_graph__users") }}
        group by tenant_id
    ),

    days as (
        select
            {{ day_from_today(0) }} as judged_on,
            {{ window_end() }} as evidence_end,
            true as is_current
        {% for month_end in month_ends(13) %}
            union all
            select
                cast('{{ month_end }}' as date) as judged_on,
                cast('{{ month_end }}' as date) as evidence_end,
                false as is_current
        {% endfor %}
    ),

    judged as (
        select
            first_reads.tenant_id,
            days.judged_on,
            days.evidence_end,
            days.is_current,
            row_number() over (
                partition by first_reads.tenant_id order by days.judged_on
            ) as judgement
        from days
        inner join first_reads on days.judged_on >= first_reads.first_read_on
        where days.is_current or days.evidence_end <= {{ window_end() }}
    )

select
    tenant_id,
    judgement,
    judged_on,
    evidence_end,
    cast(date_trunc('month', judged_on) as date) as judged_month,
    is_current
from judged
