{# The columns of app_usage_windows. usage: int_usage_windows, or its shared twin, which says what is hidden. #}
{% macro app_usage_windows(usage, is_shared) -%}
    {%- set shown = "not usage.is_hidden" if is_shared else "true" -%}
    {%- set all_shown = shown ~ (" and not usage.hides_unlicensed" if is_shared else "") -%}
    select
        usage.tenant_id,
        usage.app,
        usage.department,
        usage.is_total,
        usage.window_days,
        usage.day_kind,
        slices.slice_start as window_start,
        slices.slice_end as window_end,
        slices.days_with_data,
        slices.observed_days,
        slices.provisional_days,
        slices.days_in_slice - slices.days_with_data as missing_days,
        slices.identity_basis,
        slices.named_days,
        slices.concealed_days,
        slices.license_known,
        case when {{ all_shown }} then usage.active_users end as active_users,
        case when {{ all_shown }} then usage.user_days end as user_days,
        usage.licensed_users,
        case when {{ shown }} then usage.licensed_active_users end as licensed_active_users,
        case
            when {{ shown }}
            then cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)
        end as active_rate,
        case
            when {{ all_shown }}
            then cast(usage.counted_user_days as double) / nullif(usage.active_users, 0)
        end as avg_days_per_user,
        case
            when {{ all_shown }}
            then
                cast(usage.user_days as double) / nullif(
                    case
                        when usage.is_total then slices.days_with_data else slices.counted_days
                    end,
                    0
                )
        end as avg_daily_users,
        not ({{ all_shown }}) as is_suppressed
    from {{ usage }} as usage
    inner join
        {{ ref("int_usage_slices") }} as slices
        on usage.tenant_id = slices.tenant_id
        and slices.slice_kind = 'window'
        and usage.window_days = slices.window_days
        and usage.day_kind = slices.day_kind
{%- endmacro %}

{# The columns of usage_weekly, from int_usage_weeks or its shared twin. #}
{% macro usage_weekly(usage, is_shared) -%}
    {%- set shown = "not usage.is_hidden" if is_shared else "true" -%}
    {%- set all_shown = shown ~ (" and not usage.hides_unlicensed" if is_shared else "") -%}
    select
        usage.tenant_id,
        usage.app,
        usage.department,
        usage.is_total,
        usage.week_start,
        usage.week_end,
        slices.days_with_data,
        slices.provisional_days,
        slices.counted_days = 7 as is_complete,
        slices.identity_basis,
        slices.license_known,
        case when {{ all_shown }} then usage.active_users end as active_users,
        usage.licensed_users,
        case when {{ shown }} then usage.licensed_active_users end as licensed_active_users,
        case
            when {{ shown }}
            then cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)
        end as active_rate,
        not ({{ all_shown }}) as is_suppressed
    from {{ usage }} as usage
    inner join
        {{ ref("int_usage_slices") }} as slices
        on usage.tenant_id = slices.tenant_id
        and slices.slice_kind = 'week'
        and usage.week_start = slices.slice_start
{%- endmacro %}
