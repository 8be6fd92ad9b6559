{#
A table kept by slices (macros/slices.sql), in one transaction: the slices that are outdated or no longer wanted go, the
ones that the model's query made come.
#}
{% materialization incremental, adapter = "duckdb" %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- set slice = config.get("slice") -%}
    {%- set made = "temp.made_" ~ this.identifier -%}
    {%- if is_incremental() and has_its_columns() -%}
        {%- call statement("main") -%}
            create or replace temp table {{ made }} as ({{ compiled_code }});
            delete from {{ target }} as kept
            where {{ is_outdated("kept", slice["kind"], slice["column"], slice["what"]) }}
            ;
            insert into {{ target }} by name select * from {{ made }};
            drop table {{ made }};
        {%- endcall -%}
    {%- else -%}
        {%- call statement("main") -%}
            create or replace table {{ target }} as ({{ compiled_code }});
        {%- endcall -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
