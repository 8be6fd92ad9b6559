{{ config(alias="apps") }} select app, display_name, in_suite, sort_order from {{ ref("apps") }}
