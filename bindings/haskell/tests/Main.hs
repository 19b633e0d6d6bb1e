-- | All tests, or those whose names hold one of the arguments. CONFD_SIM names the simulator.
module Main (main) where

import Concurrency
import Failures
import Harness
import Lifetime
import Requests

main :: IO ()
main = runTests (requests <> failures <> concurrency <> lifetime)
