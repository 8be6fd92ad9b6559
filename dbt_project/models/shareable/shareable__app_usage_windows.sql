{{ config(alias="app_usage_windows") }}
{{ app_usage_windows(ref("int_shared_windows"), is_shared=true) }}
