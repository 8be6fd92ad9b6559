{#
A table kept by slices (macros/slices.sql), in one transaction: the slices that are outdated or no longer wanted go, the
ones that the model's query made come. Where the columns are others than before, the table is made anew; its query
must then have made every slice, which it did, as its SQL is another one, too.
#}
{% materialization incremental, adapter = "duckdb" %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- set slice = config.get("slice") -%}
    {%- set made = "temp.made_" ~ this.identifier -%}
    {%- if is_incremental() -%}
        {%- call statement("made") -%}
            create or replace temp table {{ made }} as ({{ compiled_code }});
        {%- endcall -%}
        {%- set columns = (
            adapter.get_column_schema_from_query("select * from " ~ made)
            | map(attribute="name")
            | list
        ) -%}
        {%- set kept = (
            adapter.get_column_schema_from_query("select * from " ~ target)
            | map(attribute="name")
            | list
        ) -%}
        {%- call statement("main") -%}
            {%- if columns == kept -%}
                delete from {{ target }} as kept
                where {{ is_outdated("kept", slice["kind"], slice["column"], slice["what"]) }}
                ;
                insert into {{ target }} select * from {{ made }};
            {%- else -%} create or replace table {{ target }} as select * from {{ made }}
                ;
            {%- endif -%}
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
