{# What an assignment entitles to depends on its tenant, its SKU and the plans that are switched off. #}
{% macro entitlement_key(tenant_id, sku_id, switched_off="''") -%}
    md5(concat({{ tenant_id }}, '|', {{ sku_id }}, '|', {{ switched_off }}))
{%- endmacro %}
