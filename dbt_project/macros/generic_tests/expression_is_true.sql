{# The expression holds for every row; where it is null there is nothing to compare. #}
{% test expression_is_true(model, expression) %}
    select * from {{ model }} where not ({{ expression }})
{% endtest %}
