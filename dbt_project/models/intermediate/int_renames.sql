-- A rename of the user's list is the person's who holds the new name, or the name that further
-- renames of the list lead to (up to three more). What the directory has seen stands: the old name
-- ends before the person was first seen with a newer one, and somebody who was created after the
-- rename is another person.
with
    renames as (
        select tenants.tenant_id, listed.old_upn, listed.new_upn, listed.renamed_on
        from {{ ref("stg_rules__renames") }} as listed
        inner join
            {{ ref("int_tenants") }} as tenants
            on tenants.tenant_id = coalesce(listed.tenant_id, tenants.tenant_id)
        where listed.old_upn <> listed.new_upn
    ),

    hops_0 as (select *, 0 as hop, new_upn as last_upn, renamed_on as last_renamed_on from renames),

    {% for hop in [1, 2, 3] %}
        hops_{{ hop }} as (
            select
                earlier.tenant_id,
                earlier.old_upn,
                earlier.new_upn,
                earlier.renamed_on,
                {{ hop }} as hop,
                later.new_upn as last_upn,
                later.renamed_on as last_renamed_on
            from hops_{{ hop - 1 }} as earlier
            inner join
                renames as later
                on earlier.tenant_id = later.tenant_id
                and earlier.last_upn = later.old_upn
                and earlier.last_renamed_on <= later.renamed_on
        ),
    {% endfor %}

    chains as (
        {% for hop in [0, 1, 2, 3] %}
            select *
            from hops_{{ hop }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    holders as (
        select
            chains.tenant_id,
            chains.old_upn,
            chains.new_upn,
            chains.renamed_on,
            names.user_key,
            least(chains.renamed_on, coalesce(names.seen_from, chains.renamed_on)) as ended_on,
            row_number() over (
                partition by chains.tenant_id, chains.old_upn, chains.renamed_on
                order by
                    chains.hop,
                    case when names.deleted_on <= chains.last_renamed_on then 1 else 0 end,
                    names.held_from desc,
                    names.user_key
            ) as choice
        from chains
        inner join
            {{ ref("int_identity_names") }} as names
            on chains.tenant_id = names.tenant_id
            and chains.last_upn = names.upn
        inner join
            {{ ref("int_people") }} as people
            on names.tenant_id = people.tenant_id
            and names.user_key = people.user_key
        where coalesce(people.created_on, {{ first_day() }}) <= chains.renamed_on
    )

select tenant_id, old_upn, new_upn, renamed_on, ended_on, user_key
from holders
where choice = 1
