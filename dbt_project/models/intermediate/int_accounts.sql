-- The user's own word first, then what the directory says, then what the licences tell.
with
    people as (select * from {{ ref("int_people") }}),

    -- A name stands for whoever holds it now, else for the last one who did.
    names as (
        select
            tenant_id,
            upn as user_name,
            user_key,
            row_number() over (
                partition by tenant_id, upn order by strength, held_from desc, user_key
            ) as choice
        from {{ ref("int_identity_claims") }}
    ),

    called as (
        select tenant_id, user_name, user_key
        from names
        where choice = 1
        union all
        select tenant_id, lower(user_id) as user_name, user_key
        from people
    ),

    listed as (
        select
            called.tenant_id,
            called.user_key,
            min(
                case
                    when allow_list.kind = 'service_account'
                    then 1
                    when allow_list.kind = 'room_mailbox'
                    then 2
                    when allow_list.kind = 'shared_mailbox'
                    then 3
                end
            ) as kind_number,
            max(case when allow_list.sku is null then 1 else 0 end) as is_kept
        from {{ ref("stg_rules__allow_list") }} as allow_list
        inner join
            called
            on allow_list.user_name = called.user_name
            and called.tenant_id = coalesce(allow_list.tenant_id, called.tenant_id)
        where coalesce(allow_list.valid_until, {{ last_day() }}) >= {{ day_from_today(0) }}
        group by called.tenant_id, called.user_key
    ),

    -- Of somebody who is gone: whatever they held.
    licences as (
        select
            periods.tenant_id,
            periods.user_key,
            max(case when skus.account_kind = 'room_mailbox' then 1 else 0 end) as has_room,
            max(case when skus.account_kind = 'service_account' then 1 else 0 end) as has_service,
            max(case when skus.account_kind is null then 1 else 0 end) as has_others
        from {{ ref("int_license_periods") }} as periods
        inner join
            people on periods.tenant_id = people.tenant_id and periods.user_key = people.user_key
        left join {{ ref("account_kind_skus") }} as skus on periods.sku_id = skus.sku_id
        where periods.is_held and (periods.is_current or people.is_deleted)
        group by periods.tenant_id, periods.user_key
    ),

    judged as (
        select
            people.tenant_id,
            people.user_key,
            listed.kind_number,
            coalesce(listed.is_kept, 0) = 1 as is_kept,
            lower(people.user_type) = 'guest' as is_guest,
            coalesce(licences.has_others, 0) = 0 and licences.has_room = 1 as is_room,
            coalesce(licences.has_others, 0) = 0 and licences.has_service = 1 as is_service,
            coalesce(licences.has_others, 0) = 0
            and (licences.user_key is not null or people.mail is not null)
            and not people.account_enabled
            and people.manager_id is null
            and people.department is null
            and people.employee_id is null as is_mailbox
        from people
        left join
            listed on people.tenant_id = listed.tenant_id and people.user_key = listed.user_key
        left join
            licences
            on people.tenant_id = licences.tenant_id
            and people.user_key = licences.user_key
    )

select
    tenant_id,
    user_key,
    case
        when kind_number = 1
        then 'service_account'
        when kind_number = 2
        then 'room_mailbox'
        when kind_number = 3
        then 'shared_mailbox'
        when is_guest
        then 'guest'
        when is_room
        then 'room_mailbox'
        when is_service
        then 'service_account'
        when is_mailbox
        then 'shared_mailbox'
        else 'member'
    end as account_kind,
    case
        when kind_number is not null
        then 'allow_list'
        when is_guest
        then 'user_type'
        when is_room or is_service or is_mailbox
        then 'sku'
        else 'default'
    end as kind_basis,
    is_kept
from judged
