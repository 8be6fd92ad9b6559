{# The windows of app_usage_windows. A person's days of use in all of them are packed into one number per app, #}
{# eight bits each: field 0 is the lowest. The highest field must stay small, as the sign needs its last bit. #}
{% macro usage_windows() %}
    {%- set windows = [] -%}
    {%- for days in [180, 90, 28, 7] -%}
        {%- for day_kind in ["all", "weekdays"] -%}
            {%- set inside = [] -%}
            {%- for age in range(days) -%}
                {%- set day = today() - modules.datetime.timedelta(days=age + var("lag_days")) -%}
                {%- if day_kind == "all" or day.weekday() < 5 -%}
                    {%- do inside.append(age) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do windows.append(
                {
                    "field": windows | length,
                    "days": days,
                    "day_kind": day_kind,
                    "days_inside": inside | length,
                }
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(windows) }}
{% endmacro %}

{# What one day adds to field number so of such a number. #}
{% macro field_unit(field) -%} {{ 256**field }} {%- endmacro %}

{# The bit of each app in a number that packs apps used, or licensed. #}
{% macro app_bits() %}
    {%- set bits = {} -%}
    {%- for app in packed_apps() -%} {%- do bits.update({app: 2**loop.index0}) -%} {%- endfor -%}
    {{ return(bits) }}
{% endmacro %}

{# The same with the suite, whose bits are those of its apps: any of them will do. #}
{% macro app_masks() %}
    {%- set masks = {"suite": 2 ** (suite_apps() | length) - 1} -%}
    {%- do masks.update(app_bits()) -%}
    {{ return(masks) }}
{% endmacro %}

{# The apps used on a person-day, packed. #}
{% macro apps_used(prefix="") -%}
    {%- for app, bit in app_bits().items() -%}
        {{ " + " if not loop.first }} case
            when {{ is_used(prefix ~ app) }} then {{ bit }} else 0
        end
    {%- endfor -%}
{%- endmacro %}

{# Whether a number that packs apps has the app, or any app of the suite. #}
{% macro has_app(column, mask) -%} ({{ column }} & {{ mask }}) <> 0 {%- endmacro %}
