-- |
-- What queries find.
module Network.Confd.Reply
  ( Result (..)
  , Outcome (..)
  , Reply (..)
  , Answer (..)
  , Status (..)
  ) where

import Network.Confd.Exception
import Network.Confd.Internal.Reply
