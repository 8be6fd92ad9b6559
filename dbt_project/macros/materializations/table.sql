{#
The adapter's own materialisation builds a table under another name, renames the old one, renames the new one, drops the
old one and looks into the catalogue between: some ten statements a model, most of a small run's time. DuckDB replaces
a table in one statement, in a transaction. The project has no hooks, grants or indexes for it to see to; the comments
are written into the published files, from the same descriptions.
#}
{% materialization table, adapter = "duckdb" %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- call statement("main") -%}
        {%- if config.get("contract").enforced -%}
            {{ get_assert_columns_equivalent(compiled_code) }}
            create or replace table {{ target }} {{ get_table_columns_and_constraints() }};
            insert into {{ target }} {{ get_column_names() }} ({{ get_select_subquery(compiled_code) }});
        {%- else -%} create or replace table {{ target }} as ({{ compiled_code }}) ;
        {%- endif -%}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
