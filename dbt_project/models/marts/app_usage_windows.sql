{{ app_usage_windows(ref("int_usage_windows"), is_shared=false) }}
