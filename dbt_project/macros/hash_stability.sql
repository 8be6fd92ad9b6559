{# Whether concealed hashes may be taken for people: enough of them come back, and they never change at once. #}
{% macro is_stable(hashes, found_again, breaks) -%}
    (
        {{ breaks }} = 0
        and {{ hashes }} > 0
        and {{ found_again }} >= {{ var("hash_stability") }} * {{ hashes }}
    )
{%- endmacro %}
