import Glibc
import Testing

@testable import Control

@Suite struct KeyFileTests {
  private func write(_ text: String, mode: mode_t, to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let bytes = Array(text.utf8)
    precondition(Glibc.write(file, bytes, bytes.count) == bytes.count && fchmod(file, mode) == 0)
    _ = close(file)
  }

  private func reason(_ path: String) -> String? {
    do throws(KeyFile.Failure) {
      _ = try KeyFile(path: path)
      return nil
    } catch { return error.reason }
  }

  @Test func theFirstStartMakesIt() throws {
    let directory = TestDirectory()
    let path = "\(directory.path)/\(KeyFile.name)"
    let made = try KeyFile(path: path)
    #expect(made.isNew)
    #expect(made.key.count == KeyFile.keyCount)
    #expect(directory.names == [KeyFile.name])
    var facts = stat()
    #expect(stat(path, &facts) == 0)
    #expect(facts.st_mode & 0o7777 == 0o600)
    let again = try KeyFile(path: path)
    #expect(!again.isNew)
    #expect(again.key == made.key)
    let other = try KeyFile(path: path + "2")
    #expect(other.key != made.key)
  }

  @Test(arguments: ["000102030405060708090a0b0c0d0eff", "000102030405060708090A0B0C0D0EFF\n"])
  func aKeyThatWasCopiedIsRead(text: String) throws {
    let directory = TestDirectory()
    write(text, mode: 0o400, to: directory.path + "/key")
    #expect(try KeyFile(path: directory.path + "/key").key == Array(0...14) + [255])
  }

  @Test(arguments: [
    "", "\n", "000102030405060708090a0b0c0d0e0", "000102030405060708090a0b0c0d0e0f0",
    "000102030405060708090a0b0c0d0e0g",
    "000102030405060708090a0b0c0d0e0f x", String(repeating: "0", count: 64),
  ])
  func whatIsNoKeyIsRefused(text: String) {
    let directory = TestDirectory()
    write(text, mode: 0o600, to: directory.path + "/key")
    let expected = "must hold 32 hex digits and nothing else; remove it to have a new one made"
    #expect(reason(directory.path + "/key") == expected)
  }

  @Test(arguments: [(0o640, "0640"), (0o604, "0604"), (0o620, "0620"), (0o777, "0777")] as [(mode_t, String)])
  func aKeyThatOthersCanReadIsRefused(mode: mode_t, octal: String) {
    let directory = TestDirectory()
    let path = directory.path + "/key"
    write("000102030405060708090a0b0c0d0e0f", mode: mode, to: path)
    #expect(reason(path) == "has mode \(octal), others may read or change it; run 'chmod 600 \(path)'")
  }

  @Test func whatIsNoFileIsRefused() {
    let directory = TestDirectory()
    #expect(reason(directory.path) == "is not a regular file")
    #expect(reason("/nonexistent/gatehouse/key") == "can't be made: No such file or directory")
  }

  @Test func itsPlaceIsTheStateDirectoryOrBesideTheConfiguration() {
    let name = KeyFile.name
    #expect(
      KeyFile.path(environment: ["STATE_DIRECTORY": "/var/lib/a:/b"], configPath: "/etc/x.conf") == "/var/lib/a/\(name)"
    )
    #expect(KeyFile.path(environment: [:], configPath: "/etc/x.conf") == "/etc/\(name)")
    #expect(KeyFile.path(environment: ["STATE_DIRECTORY": ""], configPath: "x.conf") == "./\(name)")
    #expect(KeyFile.path(environment: [:], configPath: "/x.conf") == "/\(name)")
  }
}
