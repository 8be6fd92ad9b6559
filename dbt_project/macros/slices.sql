{#
Tables that grow with history are kept from run to run, in slices: days, weeks or months of report days. Such a table
depends on the stored days alone, on nobody's identity, department or licence, and on nothing that the user sets. Each
of its rows carries the version of its slice: a number made of the answers that the days of the slice were stored from
(int_slices) and of the SQL that made the rows. A slice whose version is another one, or is not there, is made anew;
that is all that is ever compared, so a run that was killed or failed in between, a correction, a rebuilt warehouse or
a newer version of the project need nothing of their own.
#}
{# The days of the slices to be made: all of them, or with is_there those that this table does not have as they are. #}
{# what: the SQL that decides what a row says. To be joined by tenant_id and report_date. #}
{% macro slices_to_make(kind, column, what, is_there) -%}
    {%- set is_kept = is_there and has_its_columns() -%}
    (
        select
            slices.tenant_id,
            slices.slice_start,
            slices.report_date,
            slices.is_counted,
            slices.slice_version + {{ version_of(what) }} as slice_version
        from {{ ref("int_slices") }} as slices
        {% if is_kept %}
            left join
                (
                    select distinct tenant_id, {{ column }} as slice_start, slice_version
                    from {{ this }}
                ) as kept
                on slices.tenant_id = kept.tenant_id
                and slices.slice_start = kept.slice_start
                and slices.slice_version + {{ version_of(what) }} = kept.slice_version
        {% endif %}
        where
            slices.slice_kind = '{{ kind }}' {% if is_kept %} and kept.tenant_id is null {% endif %}
    )
{%- endmacro %}

{# Whether this table is there with the columns that it is to have; else all of it is made anew. #}
{% macro has_its_columns() -%}
    {%- set there = adapter.get_columns_in_relation(this) | map(attribute="name") | list -%}
    {{ return(there | sort == model.columns.keys() | list | sort) }}
{%- endmacro %}

{# A number that tells the SQL of a model from what it was before. #}
{% macro version_of(what) -%}
    {{ ("0x" ~ local_md5(model["raw_code"] ~ what))[:15] | int(base=16) }}
{%- endmacro %}

{# The slices of a kept table that are no more as they should be, as a condition on its rows. #}
{% macro is_outdated(kept, kind, column, what) -%}
    not exists (
        select 1
        from {{ ref("int_slices") }} as slices
        where
            slices.slice_kind = '{{ kind }}'
            and slices.tenant_id = {{ kept }}.tenant_id
            and slices.slice_start = {{ kept }}.{{ column }}
            and slices.slice_version + {{ version_of(what) }} = {{ kept }}.slice_version
    )
{%- endmacro %}
