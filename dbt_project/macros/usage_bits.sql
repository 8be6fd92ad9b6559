{# Whether the app of a packed column was used: the app's own flag. #}
{% macro is_used(column) -%} ({{ column }} & {{ var("usage_bits")["app"] }}) <> 0 {%- endmacro %}

{# Whether it was used on a platform: windows, mac, mobile, web, or desktop (Windows or Mac). #}
{% macro used_on(column, platform) -%}
    {%- set bits = var("usage_bits") -%}
    {%- set mask = bits["windows"] + bits["mac"] if platform == "desktop" else bits[platform] -%}
    ({{ column }} & {{ mask }}) <> 0
{%- endmacro %}

{# Whether any app of the suite was used, of a row with all packed columns. #}
{% macro is_suite_used(prefix="") -%}
    {%- set columns = [] -%}
    {%- for app in suite_apps() -%} {%- do columns.append(prefix ~ app) -%} {%- endfor -%}
    {{ is_used("(" ~ columns | join(" | ") ~ ")") }}
{%- endmacro %}
