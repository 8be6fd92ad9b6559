with
    usage as (
        {% for app in packed_apps() %}
            select
                tenant_id,
                user_key,
                '{{ app }}' as app,
                {{ app }}_days as user_days,
                {{ app }}_first as first_used_on,
                {{ app }}_last as last_used_on,
                {{ app }}_bits as bits
            from {{ ref("int_user_windows") }}
            where which_window = 'current' and {{ app }}_days > 0
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    platforms as (
        select
            *,
            {% for platform in ["windows", "mac", "mobile", "web", "desktop"] %}
                {{ used_on("bits", platform) }} as on_{{ platform }}
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from usage
    )

select
    platforms.tenant_id,
    platforms.user_key,
    platforms.app,
    windows.slice_start as window_start,
    windows.slice_end as window_end,
    windows.identity_basis,
    platforms.user_days,
    platforms.first_used_on,
    platforms.last_used_on,
    platforms.on_windows,
    platforms.on_mac,
    platforms.on_mobile,
    platforms.on_web,
    platforms.on_desktop,
    nullif(
        trim(
            concat(
                case when platforms.on_windows then 'windows ' else '' end,
                case when platforms.on_mac then 'mac ' else '' end,
                case when platforms.on_mobile then 'mobile ' else '' end,
                case when platforms.on_web then 'web' else '' end
            )
        ),
        ''
    ) as platforms,
    case
        when platforms.user_days > {{ var("core_share") }} * windows.counted_weekdays
        then 'core'
        when platforms.user_days >= {{ var("regular_share") }} * windows.counted_weekdays
        then 'regular'
        else 'occasional'
    end as usage_level
from platforms
inner join
    {{ ref("int_usage_slices") }} as windows
    on platforms.tenant_id = windows.tenant_id
    and windows.slice_kind = 'current'
