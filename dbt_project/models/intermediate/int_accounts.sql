-- The user's own word first, then what the directory says, then what the licences tell.
with
    people as (select * from {{ ref("int_people") }}),

    listed as (
        select
            tenant_id,
            user_key,
            min(
                case
                    when kind = 'service_account'
                    then 1
                    when kind = 'room_mailbox'
                    then 2
                    when kind = 'shared_mailbox'
                    then 3
                end
            ) as kind_number
        from {{ ref("int_allow_list") }}
        where valid_until >= {{ day_from_today(0) }}
        group by tenant_id, user_key
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
    end as kind_basis
from judged
