{# Spark calls an instant timestamp; the contracts of the models say timestamptz. #}
{% macro spark__get_empty_schema_sql(columns) %}
    {%- set own = {} -%}
    {%- for name, column in columns.items() -%}
        {%- set kind = column["data_type"] -%}
        {%- do own.update(
            {
                name: dict(
                    column, data_type="timestamp" if kind == "timestamptz" else kind
                )
            }
        ) -%}
    {%- endfor -%}
    {{ return(dbt.default__get_empty_schema_sql(own)) }}
{% endmacro %}

{# Spark knows constraints in Delta tables only. dbt takes a table whose format is not named for one. #}
{% macro spark__persist_constraints(relation, model) %}
    {%- if config.get("contract").enforced and config.get("file_format") == "delta" -%}
        {%- do alter_table_add_constraints(relation, model.constraints) -%}
        {%- do alter_column_set_constraints(relation, model.columns) -%}
    {%- endif -%}
{% endmacro %}

{% macro fabricspark__get_empty_schema_sql(columns) %}
    {{ return(spark__get_empty_schema_sql(columns)) }}
{% endmacro %}
