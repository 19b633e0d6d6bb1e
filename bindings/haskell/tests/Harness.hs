-- |
-- Tests are actions that throw when something is not as it should be.
module Harness
  ( Test (..)
  , runTests
  , equals
  , holds
  , failsWith
  , failsWithDetail
  , eventually
  , inTime
  ) where

import Control.Concurrent (rtsSupportsBoundThreads, threadDelay)
import Control.Exception
import Control.Monad (unless)
import Data.List (isInfixOf)
import qualified Data.Text as Text
import GHC.Clock (getMonotonicTime)
import GHC.Stack (HasCallStack, callStack, prettyCallStack)
import Network.Confd
import System.Environment (getArgs)
import System.Exit (exitFailure)
import System.IO
import System.Timeout (timeout)

-- | A behaviour, and what shows it.
data Test = Test String (IO ())

newtype Failed = Failed String

instance Show Failed where
  show (Failed text) = text

instance Exception Failed

-- | Runs those whose names hold one of the arguments, all without any; ends the program with 1 if one fails.
runTests :: [Test] -> IO ()
runTests tests = do
  hSetBuffering stdout LineBuffering
  parts <- getArgs
  let chosen = [test | test@(Test name _) <- tests, null parts || any (`isInfixOf` name) parts]
  results <- mapM run chosen
  let failed = length (filter not results)
      threads = if rtsSupportsBoundThreads then "-threaded" else "without -threaded"
  putStrLn (show (length results - failed) <> " passed, " <> show failed <> " failed, " <> threads)
  unless (failed == 0 && not (null results)) exitFailure
 where
  run (Test name act) = do
    ended <- try (timeout 60000000 act)
    case ended of
      Right (Just ()) -> True <$ putStrLn ("ok      " <> name)
      Right Nothing -> False <$ putStrLn ("FAILED  " <> name <> ": not done after 60 seconds")
      Left problem -> False <$ putStrLn ("FAILED  " <> name <> ": " <> show (problem :: SomeException))

wrong :: HasCallStack => String -> IO a
wrong text = throwIO (Failed (text <> "\n" <> prettyCallStack callStack))

-- | The first is to be the second.
equals :: (HasCallStack, Eq a, Show a) => a -> a -> IO ()
equals found wanted = unless (found == wanted) $ wrong ("found " <> show found <> ", wanted " <> show wanted)

-- | What is said is to be true.
holds :: HasCallStack => String -> Bool -> IO ()
holds what so = unless so $ wrong ("it does not hold that " <> what)

-- | The action is to throw an exception with this code.
failsWith :: HasCallStack => Code -> IO a -> IO ()
failsWith code act = failsWithDetail code "" act

-- | The same, and its detail is to hold this text.
failsWithDetail :: HasCallStack => Code -> String -> IO a -> IO ()
failsWithDetail code part act = do
  ended <- try act
  case ended of
    Right _ -> wrong ("no exception, wanted " <> show code)
    Left (ConfdException found detail) -> do
      equals found code
      holds ("the detail is not empty: " <> show detail) (not (Text.null detail))
      holds (show detail <> " holds " <> show part) (part `isInfixOf` Text.unpack detail)

-- | Waits until it is so, ten seconds at the most.
eventually :: HasCallStack => String -> IO Bool -> IO ()
eventually what so = loop (10000 :: Int)
 where
  loop 0 = wrong ("it has not come about that " <> what)
  loop left = do
    now <- so
    unless now $ threadDelay 1000 >> loop (left - 1)

-- | The action is to take less than so many seconds.
inTime :: HasCallStack => Double -> IO a -> IO a
inTime most act = do
  began <- getMonotonicTime
  result <- act
  ended <- getMonotonicTime
  holds ("it takes less than " <> show most <> " s: " <> show (ended - began)) (ended - began < most)
  pure result
