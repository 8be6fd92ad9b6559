-- On any day a name belongs to one person, and to one at all: periods neither overlap nor leave
-- gaps.
{{
    config(
        meta={
            "description": "On no day does a name in the reports belong to two people.",
            "dagster": {"ref": {"name": "int_identity_map"}},
        }
    )
}}
with
    ordered as (
        select
            upn_key,
            valid_from,
            valid_to,
            lag(valid_to) over (partition by upn_key order by valid_from) as previous_valid_to,
            lead(valid_from) over (partition by upn_key order by valid_from) as next_valid_from
        from {{ ref("int_identity_map") }}
    )

select upn_keys.upn_key, ordered.valid_from, ordered.valid_to
from {{ ref("stg_graph__upn_keys") }} as upn_keys
left join ordered on upn_keys.upn_key = ordered.upn_key
where
    ordered.upn_key is null
    or ordered.valid_from <> coalesce(ordered.previous_valid_to, {{ first_day() }})
    or ordered.valid_to <> coalesce(ordered.next_valid_from, {{ last_day() }})
