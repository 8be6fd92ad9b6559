{{ config(alias="usage_weekly") }} {{ usage_weekly(ref("int_shared_weeks"), is_shared=true) }}
