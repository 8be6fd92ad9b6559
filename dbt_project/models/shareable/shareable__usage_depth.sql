{{ config(alias="usage_depth") }}
{%- set enough = var("min_group_size") %}
-- A department shows all of its bands or none: with its users known from elsewhere, one hidden band
-- would follow from the others. Hidden departments must not follow from the total either: one that
-- has more people than a small group in every band where they have one is hidden with them, or all
-- are.
with
    grouped as (
        select
            depth.tenant_id,
            case when depth.is_total then 'All' else groups.shown_department end as department,
            depth.is_total,
            depth.band,
            depth.band_number,
            depth.window_start,
            depth.window_end,
            depth.days_with_data,
            depth.counted_days,
            depth.identity_basis,
            cast(sum(depth.people) as bigint) as people
        from {{ ref("usage_depth") }} as depth
        left join
            {{ ref("int_department_groups") }} as groups
            on depth.tenant_id = groups.tenant_id
            and depth.department = groups.department
        where depth.is_total or groups.is_shown
        group by
            depth.tenant_id,
            case when depth.is_total then 'All' else groups.shown_department end,
            depth.is_total,
            depth.band,
            depth.band_number,
            depth.window_start,
            depth.window_end,
            depth.days_with_data,
            depth.counted_days,
            depth.identity_basis
    ),

    judged as (
        select
            grouped.tenant_id,
            grouped.department,
            grouped.band,
            grouped.people,
            coalesce(grouped.people between 1 and {{ enough - 1 }}, false) as is_small_band,
            max(
                case
                    when
                        grouped.people between 1 and {{ enough - 1 }}
                        or windows.is_hidden
                        or windows.active_users - windows.licensed_active_users
                        between 1 and {{ enough - 1 }}
                    then 1
                    else 0
                end
            ) over (partition by grouped.tenant_id, grouped.department) as is_small
        from grouped
        inner join
            {{ ref("int_shared_windows") }} as windows
            on grouped.tenant_id = windows.tenant_id
            and grouped.department = windows.department
            and grouped.is_total = windows.is_total
            and windows.app = 'suite'
            and windows.window_days = 28
            and windows.day_kind = 'all'
        where not grouped.is_total
    ),

    needed as (
        select
            *,
            max(case when is_small_band then 1 else 0 end) over (
                partition by tenant_id, band
            ) as needs_cover
        from judged
    ),

    departments as (
        select
            tenant_id,
            department,
            cast(sum(people) as bigint) as people,
            max(is_small) as is_small,
            case
                when
                    sum(people) > {{ enough }}
                    and max(case when needs_cover = 1 and people <= {{ enough }} then 1 else 0 end)
                    = 0
                then 1
                else 0
            end as can_cover
        from needed
        group by tenant_id, department
    ),

    lines as (
        select
            *,
            max(is_small) over (partition by tenant_id) as has_small,
            max(case when is_small = 0 then can_cover else 0 end) over (
                partition by tenant_id
            ) as has_cover,
            row_number() over (
                partition by tenant_id
                order by
                    case when is_small = 0 and can_cover = 1 then 0 else 1 end, people, department
            ) as choice
        from departments
    )

select
    grouped.tenant_id,
    grouped.department,
    grouped.is_total,
    grouped.band,
    grouped.band_number,
    grouped.window_start,
    grouped.window_end,
    grouped.days_with_data,
    grouped.counted_days,
    grouped.identity_basis,
    case
        when
            grouped.is_total
            or lines.has_small = 0
            or (lines.is_small = 0 and lines.has_cover = 1 and lines.choice > 1)
        then grouped.people
    end as people,
    not grouped.is_total
    and lines.has_small = 1
    and (lines.is_small = 1 or lines.has_cover = 0 or lines.choice = 1) as is_suppressed
from grouped
left join
    lines
    on grouped.tenant_id = lines.tenant_id
    and grouped.department = lines.department
    and not grouped.is_total
