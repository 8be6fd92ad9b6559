{# A number from 0 to less than 2 to the 61st that tells texts apart; the same for the same text in one engine. #}
{% macro hash_of(text) -%}
    {{ return(adapter.dispatch("hash_of", "m365_usage")(text)) }}
{%- endmacro %}

{% macro default__hash_of(text) -%} cast(hash({{ text }}) >> 3 as bigint) {%- endmacro %}

{% macro spark__hash_of(text) -%} shiftrightunsigned(xxhash64({{ text }}), 3) {%- endmacro %}

{% macro fabricspark__hash_of(text) -%} {{ return(spark__hash_of(text)) }} {%- endmacro %}
