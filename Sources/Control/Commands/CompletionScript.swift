/// Completion for bash, made from the schema of the command line: `gatehouse help bash-completion`.
enum CompletionScript {
  /// What `help` calls it.
  static let topic = "bash-completion"

  /// The script.
  static var text: String {
    let commands = Command.allCases.map(\.rawValue).joined(separator: " ")
    let cases = Command.allCases.filter { $0 != .help }.map(lines).joined(separator: "\n")
    return """
      # Completion of gatehouse's command line for bash: made by 'gatehouse help \(topic)'.

      _gatehouse() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' verb='' options='' verbs='' place
        COMPREPLY=()
        case $before in
          -c | \(fileOptions)) compopt -o default; return ;;
        esac
        for ((place = 1; place < COMP_CWORD; place++)); do
          case ${COMP_WORDS[place]} in
            -*) ;;
            *) if [ -z "$command" ]; then command=${COMP_WORDS[place]}; elif [ -z "$verb" ]; then verb=${COMP_WORDS[place]}; fi ;;
          esac
        done
        case $command in
          '') verbs='\(commands)' ;;
          help) verbs='\(commands) directives' ;;
      \(cases)
        esac
        case $word in
          -*) mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word") ;;
          *) [ -n "$verb" ] || mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word") ;;
        esac
      }
      complete -F _gatehouse gatehouse

      """
  }

  private static var fileOptions: String {
    Option.all.filter { ["FILE", "PATH", "DIR"].contains($0.value) && $0 != .path }.map(\.name).joined(separator: " | ")
  }

  private static func lines(of command: Command) -> String {
    let names = { (options: [Option]) in options.map(\.name).joined(separator: " ") }
    let verbs = command.verbs.filter { !$0.name.isEmpty }
    guard !verbs.isEmpty else { return "    \(command.rawValue)) options='\(names(command.options))' ;;" }
    let own = command.verb("")?.allOptions ?? []
    let cases = verbs.map { "        \($0.name)) options='\(names($0.allOptions))' ;;" }
    return """
          \(command.rawValue))
            verbs='\(verbs.map(\.name).joined(separator: " "))'
            case $verb in
      \(cases.joined(separator: "\n"))
              *) options='\(names(own))' ;;
            esac
            ;;
      """
  }
}
