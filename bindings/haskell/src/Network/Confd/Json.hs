-- |
-- Answers that are JSON. This package decodes no JSON of its own and depends on no package that does: it gives the
-- text, for the parser of the program's choice, and single values, which the library finds in it.
--
-- > jsonAt "/0/name" json >>= jsonString
module Network.Confd.Json
  ( Json
  , jsonText
  , JsonKind (..)
  , jsonKind

    -- * Within a value
  , jsonAt
  , jsonMember
  , jsonKeys
  , jsonElements
  , jsonCount

    -- * Values
  , jsonString
  , jsonInt
  , jsonDouble
  , jsonBool
  ) where

import Network.Confd.Internal.Json
