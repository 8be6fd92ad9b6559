{{ usage_weekly(ref("int_usage_weeks"), is_shared=false) }}
