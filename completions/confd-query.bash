# bash completion of confd-query. It needs nothing but bash; names of nodes, instances and servers come from the
# cluster's files in the data folder, where they can be read.

# Words of the cluster: the lines of one of its files.
_confd_query_file()
{
    [[ -r $1 ]] && command cat -- "$1" 2>/dev/null
}

# The words of the line up to the cursor. bash has cut them at ":" and "=", which stand in addresses and options.
_confd_query_words()
{
    local rest=${COMP_LINE:0:COMP_POINT} word lead i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        lead=${rest%%[![:space:]]*}
        rest=${rest#"$lead"}
        [[ $rest == "$word"* ]] || word=$rest
        rest=${rest#"$word"}
        if ((i > 0)) && [[ -z $lead && -n $word ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
}

# What completes a value; "" for what nobody can guess.
_confd_query_value()
{
    local list
    case $1 in
    -d | --data-dir) COMPREPLY=($(compgen -d -- "$cur")) && compopt -o filenames 2>/dev/null ;;
    -k | --key-file) COMPREPLY=($(compgen -f -- "$cur")) && compopt -o filenames 2>/dev/null ;;
    -p | --peers)
        # A list; what stands before its last comma stays.
        list=${cur%"${cur##*,}"}
        COMPREPLY=($(compgen -P "$list" -W "$(_confd_query_file "$dir/ssconf_master_candidates_ips")" -- "${cur##*,}"))
        compopt -o nospace 2>/dev/null
        ;;
    --port) COMPREPLY=($(compgen -W "1814" -- "$cur")) ;;
    --coverage) COMPREPLY=($(compgen -W "-1 0 1 2 3 4 5 6" -- "$cur")) ;;
    --timeout) COMPREPLY=($(compgen -W "0.5 1 2 5 10 30" -- "$cur")) ;;
    --retry) COMPREPLY=($(compgen -W "0 0.2 0.5 1 2" -- "$cur")) ;;
    -n | --interval) COMPREPLY=($(compgen -W "1 2 5 10 60" -- "$cur")) ;;
    --count) COMPREPLY=($(compgen -W "1 10 100" -- "$cur")) ;;
    --link) COMPREPLY=() ;;
    esac
}

# The operands: a command, after watch another one, then what that asks about.
_confd_query_operand()
{
    local commands="ping master node-role where nodes candidates instance-ips drbd instances disks config collectors"
    local command=${operands[0]-} count=${#operands[@]}
    if [[ $command == watch ]]; then
        command=${operands[1]-}
        ((count--))
    else
        commands+=" watch"
    fi
    if ((count == 0)); then
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
        return
    fi
    [[ $command == where ]] || ((count == 1)) || return
    case $command in
    node-role | drbd | instances)
        COMPREPLY=($(compgen -W "$(_confd_query_file "$dir/ssconf_node_list")" -- "$cur"))
        ;;
    disks) COMPREPLY=($(compgen -W "$(_confd_query_file "$dir/ssconf_instance_list")" -- "$cur")) ;;
    where) COMPREPLY=($(compgen -W "-" -- "$cur")) ;;
    config)
        COMPREPLY=($(compgen -W "/cluster /cluster/cluster_name /cluster/enabled_hypervisors /cluster/master_ip
            /cluster/master_node /cluster/serial_no /disks /instances /networks /nodegroups /nodes /serial_no
            /version" -- "$cur"))
        ;;
    esac
}

_confd_query()
{
    local words operands=() ended="" value_of="" dir=/var/lib/ganeti cur option i colons
    _confd_query_words
    cur=${words[${#words[@]} - 1]}
    COMPREPLY=()

    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        option=""
        case $ended${words[i]} in
        --) ended=yes ;;
        --data-dir=*) dir=${words[i]#*=} ;;
        --data-dir | --peers | --key-file | --port | --coverage | --timeout | --retry | --link | --interval | --count)
            option=${words[i]}
            ;;
        --*) ;;
        -?*)
            # Letters may stand together; the first that takes a value takes the rest, or the next word.
            if [[ ${words[i]} =~ ^-[vhV]*([dpkn])(.*)$ ]]; then
                if [[ -z ${BASH_REMATCH[2]} ]]; then
                    option=-${BASH_REMATCH[1]}
                elif [[ ${BASH_REMATCH[1]} == d ]]; then
                    dir=${BASH_REMATCH[2]}
                fi
            fi
            ;;
        *) operands+=("${words[i]}") ;;
        esac
        if [[ -n $option ]]; then
            ((++i < ${#words[@]} - 1)) || value_of=$option
            [[ $option != --data-dir && $option != -d || -n $value_of ]] || dir=${words[i]}
        fi
    done
    dir=${dir/#\~\//$HOME/}

    # What bash leaves as it is: all up to the last colon, and up to the "=" of an option.
    colons=${cur%"${cur##*:}"}
    if [[ -n $value_of ]]; then
        _confd_query_value "$value_of"
    elif [[ -z $ended && $cur == --*=* ]]; then
        value_of=${cur%%=*}
        cur=${cur#*=}
        colons=${cur%"${cur##*:}"}
        _confd_query_value "$value_of"
    elif [[ -z $ended && $cur == -* && $cur != - ]] || [[ -z $ended && $cur == - && ${operands[*]} != *where* ]]; then
        COMPREPLY=($(compgen -W "--data-dir --peers --key-file --port --coverage --timeout --retry --link --interval
            --count --json --verbose --help --version -d -p -k -n -v -h -V" -- "$cur"))
    else
        _confd_query_operand
    fi
    COMPREPLY=("${COMPREPLY[@]#"$colons"}")
}

complete -F _confd_query confd-query
